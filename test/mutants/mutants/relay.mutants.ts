import type { Mutant } from '../mutant.js';

const RELAY = 'libs/outbox/outbox-relay.ts';
const TABLE = 'libs/outbox/outbox-table.ts';
const FLOOR = 'libs/outbox/scan-floor.ts';
const SPEC = 'libs/outbox/outbox-relay.spec.ts';
const FLOOR_SPEC = 'libs/outbox/scan-floor.spec.ts';
const LETTERS_SPEC = 'libs/outbox/outbox-dead-letters.spec.ts';

const PUBLISH = 'const { published, poison, failure } = await this.#options.publisher.publish(rows);';

/** Outbox to broker: everything, in order, deleted last. */
export const RELAY_MUTANTS: readonly Mutant[] = [
  {
    name: 'deleted-before-the-ack',
    mechanism: 'delete after ack',
    breaks: ['I4'],
    edits: [{ file: RELAY, search: PUBLISH, replace: `await session.use((table) => table.remove(rows));\n    ${PUBLISH}` }],
    specs: [SPEC],
    tests: 'one relay',
    sampled: true,
  },
  {
    name: 'deleted-whatever-the-answer',
    mechanism: 'delete after ack',
    breaks: ['I4'],
    edits: [{ file: RELAY, search: 'await table.remove(done);', replace: 'await table.remove(rows);' }],
    specs: [SPEC],
    tests: 'one relay',
  },
  {
    name: 'shards-without-a-lock',
    mechanism: 'advisory lock of the relay',
    breaks: ['I5'],
    edits: [
      {
        file: 'libs/outbox/shard-locks.ts',
        search: 'pg_try_advisory_lock($1, shard) AS locked',
        replace: '$1::integer IS NOT NULL AS locked',
      },
    ],
    specs: [SPEC],
    tests: 'several relays',
  },
  {
    name: 'shards-never-shared-out-anew',
    mechanism: 'shards of a dead relay are taken over',
    breaks: ['I12'],
    edits: [
      {
        file: RELAY,
        search: 'this.#rebalanceAt = performance.now() + this.#options.rebalanceMs;',
        replace: 'this.#rebalanceAt = Infinity;',
      },
    ],
    specs: [SPEC],
    tests: 'several relays',
  },
  {
    name: 'shards-given-up-with-rows-under-way',
    mechanism: 'a drain ends with all its parts',
    breaks: ['I5'],
    edits: [
      {
        file: RELAY,
        search: 'await Promise.allSettled(parts.map(drainPart));',
        replace: 'await Promise.all(parts.map(drainPart)).then(() => [] as PromiseSettledResult<void>[]);',
      },
    ],
    specs: [SPEC],
    tests: 'a backlog',
  },
  {
    name: 'backlog-of-one-part-keeps-the-others-waiting',
    mechanism: 'a drain ends when one part has no backlog',
    breaks: ['I12'],
    edits: [
      {
        file: RELAY,
        search: 'over ||= !work.backlog;\n        } while (!over &&',
        replace: 'if (!work.backlog) return;\n        } while (!over &&',
      },
    ],
    specs: [SPEC],
    tests: 'a backlog',
  },
  {
    name: 'newest-row-first',
    mechanism: 'key order in batches: relay',
    breaks: ['I5'],
    edits: [{ file: TABLE, search: 'ORDER BY o.position`', replace: 'ORDER BY o.position DESC`' }],
    specs: [SPEC],
    tests: 'publishes all rows in order',
  },
  {
    name: 'later-rows-than-the-batch-holds',
    mechanism: 'key order in batches: relay reads the lowest positions',
    breaks: ['I5'],
    edits: [{ file: TABLE, search: 'ORDER BY o.position LIMIT $4', replace: 'ORDER BY o.position DESC LIMIT $4' }],
    specs: [SPEC],
  },
  {
    name: 'floor-above-what-may-still-commit',
    mechanism: 'scan floor',
    breaks: ['I4'],
    edits: [
      {
        file: FLOOR,
        search: 'this.#candidate !== undefined && BigInt(first.xmin) >= this.#candidate.takenAt',
        replace: 'this.#candidate !== undefined',
      },
    ],
    specs: [FLOOR_SPEC],
  },
  {
    name: 'floor-raised-over-what-waits',
    mechanism: 'scan floor',
    breaks: ['I4'],
    edits: [{ file: FLOOR, search: 'lowest === null ? Infinity : Number(lowest) - 1', replace: 'lowest === null ? Infinity : Infinity' }],
    specs: [FLOOR_SPEC],
  },
  {
    name: 'floor-kept-in-another-epoch',
    mechanism: 'scan floor: a released letter is found at its old place',
    breaks: ['I4'],
    edits: [
      {
        file: TABLE,
        search: 'CASE WHEN (SELECT n FROM tidemark.outbox_epoch) = $3 THEN mine.floor ELSE 0 END',
        replace: 'CASE WHEN $3::bigint IS NULL THEN 0 ELSE mine.floor END',
      },
    ],
    specs: [FLOOR_SPEC],
  },
  {
    name: 'epoch-not-raised',
    mechanism: 'scan floor: whoever puts rows back raises the epoch',
    breaks: ['I4'],
    edits: [{ file: 'libs/outbox/outbox-dead-letters.ts', search: 'SET n = n + 1 WHERE', replace: 'SET n = n WHERE' }],
    specs: [FLOOR_SPEC],
    tests: 'a row put aside below the floor',
  },
  {
    name: 'dead-letter-overtaken',
    mechanism: 'a dead letter of the outbox holds back its stream',
    breaks: ['I5'],
    edits: [
      {
        file: TABLE,
        search: '\n              AND NOT EXISTS (SELECT FROM tidemark.outbox_dead_letters d WHERE d.stream_id = o.stream_id)',
        replace: '',
      },
    ],
    specs: [LETTERS_SPEC],
  },
  {
    name: 'poison-row-dropped',
    mechanism: 'a poison row is kept as a dead letter',
    breaks: ['I10'],
    edits: [
      {
        file: RELAY,
        search: 'if (row !== undefined) await this.#park(table, row, letter);',
        replace: 'if (row !== undefined) await table.remove([row]);',
      },
    ],
    specs: [LETTERS_SPEC],
  },
  {
    name: 'backstop-poll-gone',
    mechanism: 'a lost wake-up costs the poll interval',
    breaks: ['I12'],
    edits: [{ file: RELAY, search: 'await this.#wakeUp.wait(pollMs)', replace: 'await this.#wakeUp.wait(Math.max(pollMs, 2 ** 30))' }],
    specs: [SPEC],
  },
  {
    name: 'standing-still-keeps-the-shards',
    mechanism: 'a relay that stands still loses its session',
    breaks: ['I12'],
    edits: [{ file: 'libs/outbox/relay-session.ts', search: 'SET idle_session_timeout = 6000;', replace: 'SET idle_session_timeout = 0;' }],
    specs: ['test/relay/fail-over.spec.ts'],
  },
  {
    name: 'standing-still-in-a-look-keeps-the-shards',
    mechanism: 'a relay that stands still inside a transaction loses its session',
    breaks: ['I4'],
    edits: [{ file: 'libs/outbox/relay-session.ts', search: '  SET idle_in_transaction_session_timeout = 6000;', replace: '' }],
    specs: ['libs/outbox/relay-session.spec.ts'],
  },
];
