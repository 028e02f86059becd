/**
 * Proves: whatever way events arrive - interleaved, cut into batches, repeated - the tables hold what a fold of the streams says; a gap
 * or a bad event changes nothing; effects and checkpoints are never there without each other.
 */
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../test/harness/index.js';
import { PROJECTIONS, projectionsOf } from '../projections.js';
import { cancelled, confirmed, orderStream, placed, stockStream } from '../testing/events.js';
import { fold } from '../testing/fold.js';
import { arrivals, fulfilmentHistory, orderHistory, stockHistory } from '../testing/histories.js';
import { applyLive, byKey, emptyTables, liveRows } from '../testing/tables.js';
import { beginAsOnlyWriter } from './locks.js';
import { ProjectionWriter } from './projection-writer.js';
import { MissingStateError, ProjectionGapError, UnprojectableEventError } from './projection.js';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url, pipeline: true });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});
beforeEach(() => emptyTables(client, PROJECTIONS));

const orderProjections = projectionsOf('order');
const writer = new ProjectionWriter({ projections: orderProjections });
const orderO1 = orderStream('o1', [placed('o1'), confirmed('o1'), cancelled('o1', 'confirmed')]);
const count = async (table: string): Promise<number> => Number((await client.query(`SELECT count(*) FROM read.${table}`)).rows[0].count);

/** How many batches a consumer goes back after each one, as when its offset was not committed. */
const rewinds = fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 8 });
const withRepeats = <Batch>(batches: readonly Batch[], steps: readonly number[]): Batch[] =>
  batches.flatMap((_, n) => batches.slice(Math.max(0, n - steps[n % steps.length]!), n + 1));

describe.each([
  ['order', orderHistory],
  ['stock', stockHistory],
  ['fulfilment', fulfilmentHistory],
] as const)('the tables of %s events', (category, history) => {
  it('hold what a fold says, however the events arrive', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals(history), rewinds, async (batches, steps) => {
        await emptyTables(client, PROJECTIONS);
        await applyLive(client, projectionsOf(category), withRepeats(batches, steps));
        const inOrder = batches.flat().toSorted((a, b) => (a.streamId < b.streamId ? -1 : 1));
        for (const projection of projectionsOf(category)) {
          const expected = fold(projection, inOrder);
          const live = await liveRows(client, projection);
          for (const table of projection.tables) expect(live[table.name]).toEqual(byKey(expected[table.name]!));
        }
      }),
      { numRuns: 25, seed: 20101201 },
    );
  });
});

describe('sums beyond what a double holds', () => {
  it('are exact, however the events are batched, and come down again', async () => {
    const most = Number.MAX_SAFE_INTEGER;
    const orders = ['o1', 'o2', 'o3', 'o4'].map((id) => orderStream(id, [placed(id, { lines: [['GOLD', 1, most]] }), confirmed(id)]));
    const sums = async (): Promise<string[]> => {
      const { rows } = await client.query(`SELECT
        (SELECT total::text FROM read.overview_hours WHERE status = 'confirmed') AS total,
        (SELECT spend::text FROM read.customer_spend) AS spend, (SELECT revenue::text FROM read.product_sales) AS revenue`);
      return Object.values(rows[0] as Record<string, string>);
    };
    const exact = Array<string>(3).fill(String(4n * BigInt(most)));
    await applyLive(client, orderProjections, [orders.flat()]);
    expect(await sums()).toEqual(exact);
    await emptyTables(client, PROJECTIONS);
    await applyLive(client, orderProjections, [orders[0]!, orders.slice(1).flat()]);
    expect(await sums()).toEqual(exact);
    await applyLive(client, orderProjections, [
      orders.slice(1).flatMap((_, index) => orderStream(`o${index + 2}`, [cancelled(`o${index + 2}`, 'confirmed')], 2)),
    ]);
    expect(await sums()).toEqual(Array<string>(3).fill(String(most)));
  });
});

describe('repeats', () => {
  it('count once where no key of a table would refuse them', async () => {
    const [receipt] = stockStream('A', [{ type: 'StockReceived', data: { sku: 'A', quantity: 5, reference: null } }]);
    await applyLive(client, projectionsOf('stock'), [[receipt!, receipt!], [receipt!]]);
    expect((await client.query('SELECT received::int FROM read.stock_levels')).rows).toEqual([{ received: 5 }]);
  });

  it('are dropped, within a batch and across batches', async () => {
    await applyLive(client, orderProjections, [[orderO1[0]!, orderO1[0]!, orderO1[1]!]]);
    const before = await liveRows(client, orderProjections[1]!);
    await client.query('BEGIN');
    const applied = await writer.apply(client, [orderO1[0]!, orderO1[1]!, orderO1[0]!]);
    await client.query('COMMIT');
    expect(applied.taken.size).toBe(0);
    expect(applied.duplicates).toBe(3 * orderProjections.length);
    expect(await liveRows(client, orderProjections[1]!)).toEqual(before);
  });

  it('are judged by each projection alone: one that was rebuilt further drops what its neighbours still need', async () => {
    await applyLive(client, [orderProjections[0]!], [orderO1]);
    await applyLive(client, orderProjections, [orderO1]);
    expect((await liveRows(client, orderProjections[0]!))['order_history']).toHaveLength(3);
    expect((await liveRows(client, orderProjections[1]!))['customers']).toEqual([
      expect.objectContaining({ orders: 1, cancelledOrders: 1 }),
    ]);
  });
});

describe('what cannot be applied', () => {
  it('a gap is refused and changes nothing', async () => {
    await applyLive(client, orderProjections, [[orderO1[0]!]]);
    const attempt = applyLive(client, orderProjections, [[...orderStream('o2', [placed('o2')]), orderO1[2]!]]);
    await expect(attempt).rejects.toThrow(ProjectionGapError);
    await client.query('ROLLBACK');
    expect(await count('orders')).toBe(1);
    expect(await count('projection_positions')).toBe(orderProjections.length);
  });

  it('an event whose data is not what its type promises is named', async () => {
    const [bad] = orderStream('o9', [{ type: 'OrderPlaced', data: { orderId: 'o9' } } as never]);
    const attempt = applyLive(client, orderProjections, [[...orderO1, bad!]]);
    await expect(attempt).rejects.toThrow(UnprojectableEventError);
    await expect(attempt).rejects.toMatchObject({ event: { streamId: 'order-o9', version: 1 } });
    await client.query('ROLLBACK');
  });

  it('a stream that begins in the middle is a bad event, a row that vanished is damage', async () => {
    const orphan = orderStream('o9', [confirmed('o9')]);
    await expect(applyLive(client, orderProjections, [orphan])).rejects.toThrow(UnprojectableEventError);
    await client.query('ROLLBACK');
    await applyLive(client, orderProjections, [[orderO1[0]!]]);
    await client.query('DELETE FROM read.customer_orders');
    await expect(applyLive(client, orderProjections, [[orderO1[1]!]])).rejects.toThrow(MissingStateError);
    await client.query('ROLLBACK');
  });

  it('a statement that the database refuses takes the others of its pipeline with it, the COMMIT too', async () => {
    await client.query('INSERT INTO read.order_lines (order_id, line_no, quantity, unit_price, sku) VALUES ($1, 1, 1, 1, $2)', ['o2', 'A']);
    const batch = writer.batch();
    await beginAsOnlyWriter(
      client,
      orderProjections.map(({ name }) => name),
    );
    await batch.take(client, [...orderO1, ...orderStream('o2', [placed('o2')])]);
    await expect(batch.write(client, 'COMMIT')).rejects.toMatchObject({ code: '23505' });
    await client.query('ROLLBACK');
    for (const table of ['orders', 'customers', 'overview_hours', 'projection_positions']) expect(await count(table)).toBe(0);
  });

  it('a statement that pg cannot send, so that the server never hears of it, keeps the COMMIT from being sent', async () => {
    const own = new pg.Client({ connectionString: database.url, pipeline: true });
    await own.connect();
    try {
      // pg refuses another text under the same name.
      await own.query({ name: 'write read.customers', text: 'SELECT 1' });
      const batch = writer.batch();
      await beginAsOnlyWriter(
        own,
        orderProjections.map(({ name }) => name),
      );
      await batch.take(own, orderO1);
      await expect(batch.write(own, 'COMMIT')).rejects.toThrow('must be unique');
      await own.query('ROLLBACK');
    } finally {
      await own.end();
    }
    for (const table of ['orders', 'customers', 'projection_positions']) expect(await count(table)).toBe(0);
  });

  it('effects and checkpoints vanish together when the transaction does', async () => {
    await client.query('BEGIN');
    await writer.apply(client, orderO1);
    await client.query('ROLLBACK');
    for (const table of ['orders', 'order_lines', 'customers', 'product_sales', 'overview_hours', 'projection_positions']) {
      expect(await count(table)).toBe(0);
    }
  });
});

describe('computed stock', () => {
  it('follows from the movements', async () => {
    const of = { sku: 'A', orderId: 'o1' };
    await applyLive(client, projectionsOf('stock'), [
      stockStream('A', [
        { type: 'StockReceived', data: { sku: 'A', quantity: 101, reference: null } },
        { type: 'StockAdjusted', data: { sku: 'A', delta: -1, reason: 'broken' } },
        { type: 'StockReserved', data: { ...of, quantity: 30 } },
        { type: 'StockShipped', data: { ...of, quantity: 20 } },
        { type: 'StockReturned', data: { ...of, quantity: 4 } },
      ]),
    ]);
    const { rows } = await client.query('SELECT on_hand::int, available::int, reserved::int, reorder_level::int FROM read.stock_levels');
    expect(rows).toEqual([{ on_hand: 84, available: 74, reserved: 10, reorder_level: 11 }]);
  });
});

it('moments are cut to milliseconds, so that both ways an event may come give equal rows', async () => {
  const [event] = orderO1;
  await applyLive(client, orderProjections, [[{ ...event!, recordedAt: '2026-11-21T10:00:00.123987Z' }]]);
  const { rows } = await client.query("SELECT to_char(placed_recorded_at, 'MS US') AS recorded FROM read.orders");
  expect(rows).toEqual([{ recorded: '123 123000' }]);
});
