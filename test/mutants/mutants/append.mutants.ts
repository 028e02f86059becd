import type { Mutant } from '../mutant.js';

const APPEND = 'migrations/1700000000002-append-function.ts';
const EVENT_STORE = 'libs/event-store/event-store.ts';
const SPEC = 'libs/event-store/append.spec.ts';
const CONCURRENCY = 'libs/event-store/append-concurrency.spec.ts';

const OUTBOX_INSERT = `    INSERT INTO tidemark.outbox (shard, position, stream_id)
    SELECT (hashtextextended(stream_id, 0) & 15)::smallint, position, stream_id FROM stored;`;

/** One transaction for events, outbox rows, keys and answers; the version check; the order of locks. */
export const APPEND_MUTANTS: readonly Mutant[] = [
  {
    name: 'outbox-row-left-out',
    mechanism: 'outbox row in the transaction of its event',
    breaks: ['I4'],
    edits: [{ file: APPEND, search: OUTBOX_INSERT, replace: '    SELECT count(*) INTO v_at FROM stored;' }],
    specs: [SPEC],
    sampled: true,
  },
  {
    name: 'outbox-row-after-the-commit',
    mechanism: 'outbox row in the transaction of its event',
    breaks: ['I4'],
    edits: [
      { file: APPEND, search: OUTBOX_INSERT, replace: '    SELECT count(*) INTO v_at FROM stored;' },
      {
        file: EVENT_STORE,
        search: 'for (const row of rows) verdicts[row.request - 1] = verdictOf(row);',
        replace: `for (const row of rows) verdicts[row.request - 1] = verdictOf(row);
    await client.query(
      \`INSERT INTO tidemark.outbox (shard, position, stream_id)
       SELECT (hashtextextended(stream_id, 0) & 15)::smallint, position, stream_id FROM tidemark.events WHERE event_id = ANY ($1)\`,
      [requests.flatMap(({ writes }) => writes.flatMap(({ events }) => events.map(({ id }) => id)))],
    );`,
      },
    ],
    specs: [SPEC],
  },
  {
    name: 'version-not-checked',
    mechanism: 'version check',
    breaks: ['I8'],
    edits: [
      {
        file: APPEND,
        search: `        IF v_version[v_index] = p_write_expected[w] THEN
          v_base[w] := p_write_expected[w];
          v_version[v_index] := p_write_expected[w] + p_write_count[w];`,
        replace: `        IF true THEN
          v_base[w] := v_version[v_index];
          v_version[v_index] := v_version[v_index] + p_write_count[w];`,
      },
    ],
    specs: [SPEC],
    sampled: true,
  },
  {
    name: 'head-not-locked',
    mechanism: 'version check: the head stays locked until the commit',
    breaks: ['I3'],
    edits: [{ file: APPEND, search: '      FOR NO KEY UPDATE OF s\n', replace: '' }],
    specs: [SPEC, CONCURRENCY],
  },
  {
    name: 'half-a-request-appended',
    mechanism: 'all writes of a request or none',
    breaks: ['I1'],
    edits: [
      {
        file: APPEND,
        search: 'FOR v_at IN REVERSE w - 1 .. v_first LOOP',
        replace: 'FOR v_at IN REVERSE v_first - 1 .. v_first LOOP',
      },
    ],
    specs: [SPEC],
  },
  {
    name: 'key-after-the-commit',
    mechanism: 'idempotency key in the transaction of its events',
    breaks: ['I2'],
    edits: [
      {
        file: EVENT_STORE,
        search: 'APPEND, values });',
        replace: `APPEND, values: appendArguments(requests.map(({ writes, metadata }) => ({ writes, metadata }))) });
    for (const { command, metadata } of requests) {
      if (command === undefined) continue;
      await client.query(
        \`INSERT INTO tidemark.commands (command_id, idempotency_key, fingerprint, name, actor, correlation_id, status, headers, body)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING\`,
        [command.id, command.idempotencyKey, command.fingerprint, command.name, metadata.actor, metadata.correlationId,
         command.answer.status, JSON.stringify(command.answer.headers), JSON.stringify(command.answer.body ?? null)],
      );
    }`,
      },
    ],
    specs: [SPEC],
  },
  {
    name: 'key-kept-by-a-loser',
    mechanism: 'idempotency key in the transaction of its events: what was not appended leaves no answer',
    breaks: ['I1'],
    edits: [{ file: APPEND, search: 'IF v_owner = r THEN v_freed := v_freed || r; END IF;', replace: '' }],
    specs: [SPEC],
  },
  {
    name: 'fingerprint-not-compared',
    mechanism: 'fingerprint of the idempotency key',
    breaks: ['I1'],
    edits: [
      { file: APPEND, search: 'IF v_stored.fingerprint = p_fingerprint[r] THEN', replace: 'IF v_stored.fingerprint IS NOT NULL THEN' },
    ],
    specs: [SPEC],
  },
  {
    name: 'keys-locked-in-any-order',
    mechanism: 'lock order: keys',
    breaks: ['I12'],
    edits: [{ file: APPEND, search: '      ORDER BY p_key[i] COLLATE "C"\n      ON CONFLICT', replace: '      ON CONFLICT' }],
    specs: [CONCURRENCY],
    tests: 'keys are taken',
  },
  {
    name: 'new-streams-locked-in-any-order',
    mechanism: 'lock order: new streams',
    breaks: ['I12'],
    edits: [{ file: APPEND, search: '      ORDER BY p_stream[i] COLLATE "C"\n      ON CONFLICT', replace: '      ON CONFLICT' }],
    specs: [CONCURRENCY],
    tests: 'new streams are taken',
  },
  {
    name: 'streams-locked-in-any-order',
    mechanism: 'lock order: existing streams',
    breaks: ['I12'],
    edits: [
      {
        file: APPEND,
        search: '      ORDER BY s.stream_id\n      FOR NO KEY',
        replace: '      ORDER BY array_position(p_stream, s.stream_id)\n      FOR NO KEY',
      },
    ],
    specs: [CONCURRENCY],
    tests: 'existing streams are taken',
  },
  {
    name: 'positions-drawn-in-advance',
    mechanism: 'one range of positions for all sessions',
    breaks: ['I5'],
    edits: [{ file: 'migrations/1700000000001-event-store.ts', search: 'IDENTITY (CACHE 1)', replace: 'IDENTITY (CACHE 32)' }],
    specs: [CONCURRENCY],
  },
];
