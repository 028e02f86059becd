// Proves that reading above a floor skips nothing: neither what commits late, whichever transaction is the older one, nor what comes back;
// that it pays off under an old snapshot; and that a row which breaks the floors' rule is late and not lost.
import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, waitFor } from '../../test/harness/index.js';
import { OutboxDeadLetters } from './outbox-dead-letters.js';
import { OutboxRelay } from './outbox-relay.js';
import { OutboxTable } from './outbox-table.js';
import { relayClient } from './relay-session.js';
import { ScanFloor } from './scan-floor.js';
import { nameOf, outboxFixture, range, RecordingPublisher, silent, type OutboxFixture } from './testing/outbox-fixture.js';

const SHARDS = range(0, 15);
const operator = { reason: 'spec', actor: 'spec' };

let outbox: OutboxFixture;
let client: pg.Client;
let table: OutboxTable;
let floor: ScanFloor;
let open: pg.PoolClient[] = [];

beforeAll(async () => {
  outbox = await outboxFixture({ createTestDatabase, waitFor });
});
beforeEach(async () => {
  client = relayClient(outbox.url);
  await client.connect();
  table = new OutboxTable(client);
  floor = new ScanFloor(client);
});
afterEach(async () => {
  for (const each of open) each.release(true);
  open = [];
  await client.end();
  await outbox.reset();
});
afterAll(async () => {
  await outbox.close();
});

const read = async (): Promise<Awaited<ReturnType<OutboxTable['read']>>> =>
  await table.read(
    SHARDS.map((shard) => ({ shard, floor: floor.of(shard) })),
    { epoch: floor.epoch, rowsPerShard: 1_000, bytesPerShard: 1_000_000 },
  );

/** A connection for a transaction that stays open; it ends with the spec, whether that passes or not. */
async function opened(): Promise<pg.PoolClient> {
  const connection = await outbox.pool.connect();
  open.push(connection);
  return connection;
}

interface Statement {
  readonly name?: string;
  readonly text?: string;
  readonly values?: readonly unknown[];
}

/** The same client; `listen` hears every statement before it is sent. */
function overheard(session: pg.Client, listen: (statement: Statement) => void): pg.Client {
  const query = session.query.bind(session) as (...given: unknown[]) => unknown;
  return Object.assign(session, {
    query: (...given: unknown[]): unknown => {
      listen(typeof given[0] === 'string' ? { text: given[0] } : (given[0] as Statement));
      return query(...given);
    },
  });
}

async function publish(): Promise<string[]> {
  const rows = await read();
  await table.remove(rows);
  return rows.map(nameOf);
}

const floors = (): number[] => [...new Set(SHARDS.map((shard) => floor.of(shard)))].sort((a, b) => a - b);

/** Sounds until the floors are there: a transaction of any database of the cluster, such as another spec's, may hold them up. */
const soundUntil = (expected: readonly number[]): Promise<unknown> =>
  waitFor(
    async () => {
      await floor.sound(SHARDS);
      return isDeepStrictEqual(floors(), expected);
    },
    { what: `floors at ${expected.join()}` },
  );

describe('the floor', () => {
  it('rises over what was published, and not over what still waits', async () => {
    await outbox.insert('order-a', range(1, 10));
    await publish();
    await soundUntil([10]);
    expect(floor.oldestAgeMs).toBe(0);

    await outbox.insert('order-a', range(11, 14));
    await table.remove((await read()).filter(({ version }) => version < 13));
    await soundUntil([12, 14]);
    expect(floor.oldestAgeMs).toBeGreaterThan(0);
    expect(await publish()).toEqual(['order-a@13', 'order-a@14']);
  });

  it('stays below a position whose transaction is open, however much is published above it', async () => {
    const slow = await opened();
    await slow.query('BEGIN');
    await outbox.insert('order-slow', [1], slow);
    await outbox.insert('order-fast', range(1, 5));
    expect(await publish()).toHaveLength(5);
    for (let n = 0; n < 8; n += 1) await floor.sound(SHARDS);
    expect(Math.max(...floors())).toBeLessThan(1);
    await slow.query('COMMIT');
    await floor.sound(SHARDS);
    expect(await publish()).toEqual(['order-slow@1']);
    await soundUntil([6]);
  });

  it('does not hide a row that commits between two soundings', async () => {
    const slow = await opened();
    await outbox.insert('order-fast', [1]);
    await publish();
    await floor.sound(SHARDS);
    await slow.query('BEGIN');
    await outbox.insert('order-slow', [1], slow);
    await outbox.insert('order-fast', [2]);
    await publish();
    await floor.sound(SHARDS);
    await slow.query('COMMIT');
    for (let n = 0; n < 8; n += 1) await floor.sound(SHARDS);
    expect(await publish()).toEqual(['order-slow@1']);
  });

  it('rises in spite of an old snapshot that keeps every dead row', async () => {
    const old = await opened();
    await old.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await old.query('SELECT count(*) FROM tidemark.events');
    await outbox.insert('order-a', range(1, 20));
    await publish();
    await soundUntil([20]);
    await old.query('ROLLBACK');
  });

  it('of shards that are no longer held is forgotten', async () => {
    await outbox.insert('order-a', [1]);
    await publish();
    await soundUntil([1]);
    await floor.sound([3]);
    expect(SHARDS.filter((shard) => floor.of(shard) > 0)).toEqual([3]);
  });
});

describe('the transaction that stays open is the younger one', () => {
  /** The older transaction (lower id) draws the later position and commits first; the younger one, which drew before it, is returned. */
  async function younger(begin: readonly string[]): Promise<pg.PoolClient> {
    const [fast, slow] = [await opened(), await opened()];
    await fast.query('BEGIN');
    const { rows: older } = await fast.query<{ id: string }>('SELECT pg_current_xact_id()::text AS id');
    for (const statement of begin) await slow.query(statement);
    await outbox.insert('order-slow', [1], slow);
    const { rows: later } = await slow.query<{ id: string }>('SELECT pg_current_xact_id()::text AS id');
    await outbox.insert('order-fast', [1], fast);
    await fast.query('COMMIT');
    expect(BigInt(later[0]?.id ?? 0)).toBeGreaterThan(BigInt(older[0]?.id ?? 0));
    return slow;
  }

  it.each([
    ['', ['BEGIN']],
    [', in a savepoint', ['BEGIN', 'SAVEPOINT one', 'SAVEPOINT two']],
    [', after a savepoint that was rolled back', ['BEGIN', 'SAVEPOINT one', 'SELECT pg_current_xact_id()', 'ROLLBACK TO one']],
  ])('the floor waits for it%s', async (_how, begin) => {
    const slow = await younger(begin);
    // Before anything is deleted: what ends after the younger one began would hide a floor that goes by the latest ended transaction.
    await floor.sound(SHARDS);
    expect(await publish()).toEqual(['order-fast@1']);
    for (let n = 0; n < 8; n += 1) {
      await floor.sound(SHARDS);
      expect(floors()).toEqual([0]);
    }
    await slow.query('COMMIT');
    expect(await publish()).toEqual(['order-slow@1']);
    await soundUntil([2]);
  });

  it('the floor rises once it is rolled back', async () => {
    const slow = await younger(['BEGIN']);
    for (let n = 0; n < 4; n += 1) await floor.sound(SHARDS);
    await publish();
    await floor.sound(SHARDS);
    expect(floors()).toEqual([0]);
    await slow.query('ROLLBACK');
    await soundUntil([2]);
  });

  it('a relay at its default settings publishes its row, and needed no second line for it', async () => {
    const broker = new RecordingPublisher();
    const errors: unknown[] = [];
    let soundings = 0;
    const relay = new OutboxRelay({
      connect: () =>
        overheard(relayClient(outbox.url), ({ name }) => {
          if (name === 'tidemark-outbox-sound') soundings += 1;
        }),
      publisher: broker,
      logger: { ...silent, error: (entry: unknown) => errors.push(entry) },
    });
    const slow = await younger(['BEGIN']);
    relay.start();
    try {
      await waitFor(() => soundings >= 4, { deadlineMs: 15_000, what: 'three seconds of soundings' });
      expect(broker.sent).toEqual(['order-fast@1']);
      await slow.query('COMMIT');
      await waitFor(async () => (await outbox.left()) === 0, { what: 'the outbox to be empty' });
      expect(broker.sent).toEqual(['order-fast@1', 'order-slow@1']);
      expect(errors).toEqual([]);
    } finally {
      await relay.stop();
    }
  }, 20_000);

  it('a transaction id is taken after the snapshot that showed the newest position, and none while nothing is written', async () => {
    await outbox.insert('order-a', [1]);
    const heard: string[] = [];
    overheard(client, ({ name, text = '' }) => heard.push(name ?? text.slice(0, 8)));
    await floor.sound(SHARDS);
    expect(heard).toEqual(['BEGIN RE', 'tidemark-outbox-sound', 'ROLLBACK', 'tidemark-outbox-transaction-id']);
    await publish();
    await soundUntil([1]);
    heard.length = 0;
    await floor.sound(SHARDS);
    expect(heard).toContain('tidemark-outbox-sound');
    expect(heard).not.toContain('tidemark-outbox-transaction-id');
  });
});

describe('a row that breaks the rule: its position was drawn before its transaction had an id', () => {
  /** Inserts as rudely as that, at a position drawn before order-a@2's. */
  async function insertRudely(position: string): Promise<void> {
    await outbox.pool.query(
      `WITH stored AS (
         INSERT INTO tidemark.events (position, stream_id, version, event_id, type, schema_version, data, occurred_at, recorded_at, correlation_id, causation_id, actor)
         OVERRIDING SYSTEM VALUE
         SELECT $1, 'order-rude', 1, gen_random_uuid(), type, 1, data, now(), now() - interval '5 minutes', correlation_id, causation_id, actor
         FROM tidemark.events LIMIT 1 RETURNING position, stream_id
       )
       INSERT INTO tidemark.outbox (shard, position, stream_id) SELECT 7, position, stream_id FROM stored`,
      [position],
    );
  }

  async function drawn(): Promise<string> {
    await outbox.insert('order-a', [1]);
    const { rows } = await outbox.pool.query<{ position: string }>(
      `SELECT nextval(pg_get_serial_sequence('tidemark.events', 'position')) AS position`,
    );
    await outbox.insert('order-a', [2]);
    return rows[0]?.position ?? '';
  }

  it('is found by a look from the start, told of, counted in the age, and read', async () => {
    const position = await drawn();
    await publish();
    await soundUntil([3]);
    await insertRudely(position);
    expect(await publish()).toEqual([]);
    const sounded = await waitFor(
      async () => {
        const result = await floor.sound(SHARDS);
        return result.look === 'whole' && result;
      },
      { what: 'a look from the start' },
    );
    expect(sounded.hidden).toEqual([{ shard: 7, seq: 2 }]);
    expect(floor.oldestAgeMs).toBeGreaterThan(290_000);
    expect(await publish()).toEqual(['order-rude@1']);
    await soundUntil([3]);
    expect(floor.oldestAgeMs).toBe(0);
  });

  it('is published by a relay that runs, which tells of it', async () => {
    const errors: unknown[] = [];
    let relayFloors: unknown;
    const broker = new RecordingPublisher();
    const relay = outbox.relay(broker, {
      connect: () =>
        overheard(relayClient(outbox.url), ({ name, values }) => {
          if (name === 'tidemark-outbox-read') relayFloors = values?.[1];
        }),
      logger: { ...silent, error: (entry: unknown) => errors.push(entry) },
    });
    const position = await drawn();
    relay.start();
    await waitFor(
      () =>
        isDeepStrictEqual(
          relayFloors,
          SHARDS.map(() => 3),
        ),
      { what: "the relay's floors to be up" },
    );
    await insertRudely(position);
    await waitFor(async () => (await outbox.left()) === 0, { what: 'the outbox to be empty' });
    expect(broker.sent).toEqual(['order-a@1', 'order-a@2', 'order-rude@1']);
    expect(errors).toEqual([{ event: 'relay.floor.hid-rows', hidden: [{ shard: 7, seq: 2 }] }]);
  });

  it('a look that takes too long is given up: the session goes on above its floors', async () => {
    const floored = new ScanFloor(client, { lookMs: 100 });
    const locker = await opened();
    await locker.query('BEGIN; LOCK TABLE tidemark.outbox IN ACCESS EXCLUSIVE MODE');
    const sounding = floored.sound(SHARDS);
    const waiting = async (): Promise<string | undefined> => {
      const { rows } = await outbox.pool.query<{ began: string }>(
        `SELECT xact_start::text AS began FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'tidemark-relay-session'`,
      );
      return rows[0]?.began;
    };
    const look = await waitFor(waiting, { what: 'the look to wait' });
    await waitFor(async () => ![undefined, look].includes(await waiting()), { what: 'the sounding after it to wait' });
    await locker.query('ROLLBACK');
    expect(await sounding).toEqual({ look: 'given-up', hidden: [] });
    expect(await floored.sound(SHARDS)).toMatchObject({ look: 'above' });
  });
});

describe('a row put aside below the floor', () => {
  let seq: number;

  beforeEach(async () => {
    await outbox.insert('order-bad', range(1, 3));
    const [row] = await read();
    seq = row?.seq ?? 0;
    if (row !== undefined) await table.park(row, { seq, reason: 'r', detail: '', topic: null, headers: {}, value: null }, 'spec');
    await outbox.insert('order-good', [1]);
    await publish();
    await soundUntil([4]);
  });

  it('is found by the very next read after its release, with the rows that waited behind it', async () => {
    await new OutboxDeadLetters({ pool: outbox.pool }).release(seq, operator);
    expect(await publish()).toEqual(['order-bad@1', 'order-bad@2', 'order-bad@3']);
    await soundUntil([4]);
  });

  it('lets the rows that waited go when it is discarded, also when the floor is sounded in between', async () => {
    await new OutboxDeadLetters({ pool: outbox.pool }).discard(seq, operator);
    await floor.sound(SHARDS);
    await floor.sound(SHARDS);
    expect(await publish()).toEqual(['order-bad@2', 'order-bad@3']);
  });
});
