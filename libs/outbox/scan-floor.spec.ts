// Proves that reading above a floor skips nothing: neither what commits late nor what comes back, and that it pays off under an old snapshot.
import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, waitFor } from '../../test/harness/index.js';
import { OutboxDeadLetters } from './outbox-dead-letters.js';
import { OutboxTable } from './outbox-table.js';
import { relayClient } from './relay-session.js';
import { ScanFloor } from './scan-floor.js';
import { nameOf, outboxFixture, range, type OutboxFixture } from './testing/outbox-fixture.js';

const SHARDS = range(0, 15);
const operator = { reason: 'spec', actor: 'spec' };

let outbox: OutboxFixture;
let client: pg.Client;
let table: OutboxTable;
let floor: ScanFloor;
let open: pg.PoolClient | undefined;

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
  open?.release(true);
  open = undefined;
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
  open = await outbox.pool.connect();
  return open;
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
