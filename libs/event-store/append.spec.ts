// Proves the verdicts of append: what is written, what is refused, and that neighbours in one call do not touch each other.
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/harness/index.js';
import { EventReader } from './event-reader.js';
import { EventStore } from './event-store.js';
import { command, request, write } from './testing/requests.js';
import { testPool } from './testing/test-pool.js';

let database: TestDatabase;
let pool: pg.Pool;
let store: EventStore;
let reader: EventReader;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = testPool(database.url, 24);
  store = new EventStore({ pool });
  reader = new EventReader({ pool });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

const count = async (table: string, where = 'true'): Promise<number> =>
  Number((await pool.query(`SELECT count(*) FROM tidemark.${table} WHERE ${where}`)).rows[0].count);
const versions = async (streamId: string): Promise<number[]> => (await reader.readStream(streamId)).map(({ version }) => version);
const appended = { outcome: 'appended' };

describe('one request', () => {
  it('writes its events, their outbox rows and the command together', async () => {
    const record = command('one-1');
    expect(await store.append([request([write('one-a', 0, 3), write('one-b', 0, 2)], record)])).toEqual([appended]);

    expect(await versions('one-a')).toEqual([1, 2, 3]);
    expect(await versions('one-b')).toEqual([1, 2]);
    expect(await reader.head('one-a')).toBe(3);
    expect(await count('outbox', `stream_id IN ('one-a', 'one-b')`)).toBe(5);
    expect(await store.findAnswer('one-1')).toEqual({ commandId: record.id, fingerprint: 'fp', answer: record.answer });
    expect(await reader.findCommand(record.id)).toMatchObject({ name: 'Count', actor: 'spec', idempotencyKey: 'one-1' });
  });

  it('is one transaction: no crash can keep an event without its outbox row, or its key', async () => {
    await store.append([request([write('together', 0, 2)], command('together'))]);
    // xmin is the transaction that wrote a row.
    const { rows } = await pool.query(
      `SELECT count(*)::int AS events, count(DISTINCT e.xmin::text)::int AS transactions, count(*) FILTER (WHERE o.xmin = e.xmin)::int AS outbox,
         count(*) FILTER (WHERE c.xmin = e.xmin)::int AS keys
       FROM tidemark.events e LEFT JOIN tidemark.outbox o USING (position) LEFT JOIN tidemark.commands c ON c.idempotency_key = 'together'
       WHERE e.stream_id = 'together'`,
    );
    expect(rows).toEqual([{ events: 2, transactions: 1, outbox: 2, keys: 2 }]);
  });

  it('is refused whole when one of its streams stands elsewhere', async () => {
    await store.append([request([write('whole-a', 0, 2)])]);
    const verdicts = await store.append([request([write('whole-new', 0), write('whole-a', 1), write('whole-b', 0)], command('whole'))]);
    expect(verdicts).toEqual([{ outcome: 'conflict', streamId: 'whole-a', expectedVersion: 1, actualVersion: 2 }]);

    expect(await versions('whole-a')).toEqual([1, 2]);
    expect(await count('streams', `stream_id IN ('whole-new', 'whole-b')`)).toBe(0);
    expect(await count('outbox', `stream_id LIKE 'whole-%'`)).toBe(2);
    expect(await store.findAnswer('whole')).toBeUndefined();
  });

  it('may write one stream twice, and takes both back when a later write conflicts', async () => {
    expect(await store.append([request([write('twice', 0, 2), write('twice', 2, 1)])])).toEqual([appended]);
    const verdicts = await store.append([request([write('twice', 3), write('twice', 4), write('twice', 4)]), request([write('twice', 3)])]);
    expect(verdicts).toEqual([{ outcome: 'conflict', streamId: 'twice', expectedVersion: 4, actualVersion: 5 }, appended]);
    expect(await versions('twice')).toEqual([1, 2, 3, 4]);
  });

  it('that was refused by a rule has no writes and still keeps its answer', async () => {
    const record = command('refused', { status: 409 });
    expect(await store.append([request([], record)])).toEqual([appended]);
    expect(await store.append([request([], command('refused', { status: 201 }))])).toEqual([
      { outcome: 'repeated', answer: record.answer, commandId: record.id },
    ]);
  });

  it('that expects a version of a stream that does not exist conflicts at 0 and leaves nothing behind', async () => {
    expect(await store.append([request([write('ghost', 3)])])).toEqual([
      { outcome: 'conflict', streamId: 'ghost', expectedVersion: 3, actualVersion: 0 },
    ]);
    expect(await count('streams', `stream_id = 'ghost'`)).toBe(0);
  });

  it('may only assert a version, and that a stream does not exist', async () => {
    await store.append([request([write('asserted', 0, 2)])]);
    expect(await store.append([request([write('asserted', 2, 0), write('absent', 0, 0)], command('assert'))])).toEqual([appended]);
    expect(await store.append([request([write('asserted', 1, 0)])])).toMatchObject([{ outcome: 'conflict' }]);
    expect(await reader.head('asserted')).toBe(2);
    expect(await count('streams', `stream_id = 'absent'`)).toBe(0);
  });

  it('carries 1,112 events and more than a thousand streams', async () => {
    const writes = Array.from({ length: 1_112 }, (_, n) => write(`big-${n}`, 0));
    expect(await store.append([request(writes, command('big'))])).toEqual([appended]);
    expect(await count('events', `stream_id LIKE 'big-%'`)).toBe(1_112);
  });
});

describe('many requests in one call', () => {
  it('see what earlier ones appended, and a conflict costs the neighbours nothing', async () => {
    const verdicts = await store.append([
      request([write('shared', 0, 2)], command('many-1')),
      request([write('shared', 0, 9)], command('many-2')),
      request([write('shared', 2, 1), write('many-x', 0)], command('many-3')),
      request([write('many-y', 0)], command('many-4')),
    ]);
    expect(verdicts).toEqual([
      appended,
      { outcome: 'conflict', streamId: 'shared', expectedVersion: 0, actualVersion: 2 },
      appended,
      appended,
    ]);
    expect(await versions('shared')).toEqual([1, 2, 3]);
    expect(await store.findAnswer('many-2')).toBeUndefined();
    expect(await store.findAnswer('many-3')).toBeDefined();
  });

  it('keep the order of the requests in the positions', async () => {
    await store.append([request([write('order-b', 0)]), request([write('order-a', 0)]), request([write('order-b', 1)])]);
    const events = [...(await reader.readStream('order-a')), ...(await reader.readStream('order-b'))];
    expect(events.sort((a, b) => a.position - b.position).map(({ streamId }) => streamId)).toEqual(['order-b', 'order-a', 'order-b']);
  });

  it('with one idempotency key: the first is written, its like is answered, another is refused', async () => {
    const first = command('key-1');
    const verdicts = await store.append([
      request([write('key-a', 0)], first),
      request([write('key-b', 0)], command('key-1')),
      request([write('key-c', 0)], command('key-1', { fingerprint: 'other' })),
    ]);
    expect(verdicts).toEqual([appended, { outcome: 'repeated', answer: first.answer, commandId: first.id }, { outcome: 'key-reused' }]);
    expect(await count('streams', `stream_id LIKE 'key-%'`)).toBe(1);
  });

  it('with one idempotency key of which the first conflicts: the next takes the key over', async () => {
    await store.append([request([write('heir', 0)])]);
    const heir = command('key-2');
    const verdicts = await store.append([
      request([write('heir', 0)], command('key-2')),
      request([write('heir', 1)], heir),
      request([write('heir', 2)], command('key-2')),
    ]);
    expect(verdicts.map(({ outcome }) => outcome)).toEqual(['conflict', 'appended', 'repeated']);
    expect(await store.findAnswer('key-2')).toMatchObject({ commandId: heir.id });
    expect(await versions('heir')).toEqual([1, 2]);
  });

  it('with keys of an earlier call: all of them are told apart by fingerprint', async () => {
    const first = command('key-3');
    await store.append([request([write('earlier', 0)], first)]);
    const verdicts = await store.append([
      request([write('earlier-x', 0)], command('key-3')),
      request([write('earlier', 1)], command('key-4')),
      request([write('earlier', 2)], command('key-3', { fingerprint: 'other' })),
      request([write('earlier', 2)], command('key-3')),
    ]);
    expect(verdicts.map(({ outcome }) => outcome)).toEqual(['repeated', 'appended', 'key-reused', 'repeated']);
    expect(await versions('earlier')).toEqual([1, 2]);
    expect(await count('streams', `stream_id = 'earlier-x'`)).toBe(0);
  });

  it('treats a command id used under another key as another command', async () => {
    const first = command('id-1');
    await store.append([request([], first)]);
    expect(await store.append([request([write('id-x', 0)], { ...first, idempotencyKey: 'id-2' })])).toEqual([{ outcome: 'key-reused' }]);
  });
});

describe('inside a transaction of the caller', () => {
  it('counts only when that commits', async () => {
    const client = await pool.connect();
    await client.query('BEGIN');
    await store.append([request([write('mine', 0)], command('mine'))], client);
    expect(await versions('mine')).toEqual([]);
    await client.query('ROLLBACK');
    client.release();
    expect(await count('streams', `stream_id = 'mine'`)).toBe(0);
    expect(await store.findAnswer('mine')).toBeUndefined();
  });

  it('lockStreams answers versions that nobody can move before the commit', async () => {
    await store.append([request([write('locked-b', 0, 3)])]);
    const client = await pool.connect();
    await client.query('BEGIN');
    expect(await store.lockStreams(client, ['locked-b', 'locked-a', 'locked-b'])).toEqual(
      new Map([
        ['locked-a', 0],
        ['locked-b', 3],
      ]),
    );
    const rival = store.append([request([write('locked-b', 3)])]);
    await store.append([request([write('locked-a', 0), write('locked-b', 3)])], client);
    await client.query('COMMIT');
    client.release();
    expect(await rival).toEqual([{ outcome: 'conflict', streamId: 'locked-b', expectedVersion: 3, actualVersion: 4 }]);
    expect(await versions('locked-a')).toEqual([1]);
  });

  it('versionsOf answers where streams stand and waits for nobody who holds them', async () => {
    await store.append([request([write('read-b', 0, 3)])]);
    const client = await pool.connect();
    await client.query('BEGIN');
    await store.lockStreams(client, ['read-b']);
    expect(await store.versionsOf(pool, ['read-b', 'read-a'])).toEqual(new Map([['read-b', 3]]));
    await client.query('ROLLBACK');
    client.release();
  });
});

describe('concurrent callers', () => {
  it('a hundred with one key at once have one effect and all get its answer', async () => {
    const records = Array.from({ length: 100 }, () => command('storm'));
    const verdicts = await Promise.all(
      records.map(async (record, n) => (await store.append([request([write(`storm-${n}`, 0)], record)]))[0]),
    );
    const winner = verdicts.findIndex((verdict) => verdict?.outcome === 'appended');
    expect(verdicts.filter((verdict) => verdict?.outcome === 'appended')).toHaveLength(1);
    expect(verdicts.filter((verdict) => verdict?.outcome === 'repeated' && verdict.commandId === records[winner]?.id)).toHaveLength(99);
    expect(await count('events', `stream_id LIKE 'storm-%'`)).toBe(1);
    expect(await count('streams', `stream_id LIKE 'storm-%'`)).toBe(1);
  });

  it('one of two that create the same stream wins', async () => {
    const verdicts = await Promise.all(Array.from({ length: 20 }, async () => (await store.append([request([write('born', 0)])]))[0]));
    expect(verdicts.filter((verdict) => verdict?.outcome === 'appended')).toHaveLength(1);
    expect(await versions('born')).toEqual([1]);
  });
});
