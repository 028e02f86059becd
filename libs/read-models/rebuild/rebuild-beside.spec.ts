/**
 * Proves: a rebuild equals live tables that took the same events in any other way; a difference is found, shown and only swapped when
 * accepted; queries never fail nor see a mix; events that flow meanwhile are neither lost nor doubled; what is killed leaves nothing half done.
 */
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, waitFor, type TestDatabase } from '../../../test/harness/index.js';
import type { ProjectedEvent } from '../projection/projected-event.js';
import { PROJECTION_NAMES, projectionNamed, PROJECTIONS, projectionsOf, type ProjectionName } from '../projections.js';
import { confirmed, orderStream, placed, stockStream } from '../testing/events.js';
import { arrivals, fulfilmentHistory, orderHistory, stockHistory } from '../testing/histories.js';
import { MemoryEventSource } from '../testing/memory-event-source.js';
import { applyLive, emptyTables, liveRows } from '../testing/tables.js';
import { BesideRebuild, rebuildBeside, RebuildBusyError, rebuildTogether, type RebuildOptions } from './rebuild-beside.js';
import { TablesBusyError } from './swap.js';

let database: TestDatabase;
let client: pg.Client;
let source: MemoryEventSource;

beforeAll(async () => {
  database = await createTestDatabase();
  client = await connect();
});
afterAll(async () => {
  await client.end();
  await database.drop();
});
beforeEach(async () => {
  await emptyTables(client, PROJECTIONS);
  source = new MemoryEventSource();
});

async function connect(): Promise<pg.Client> {
  const connection = new pg.Client({ connectionString: database.url, pipeline: true });
  connection.on('error', () => undefined);
  await connection.connect();
  return connection;
}

async function rebuilding<Result>(
  name: ProjectionName,
  use: (rebuild: BesideRebuild) => Promise<Result>,
  options: Partial<RebuildOptions> = {},
): Promise<Result> {
  const rebuild = await rebuildBeside(name, { databaseUrl: database.url, source, ...options });
  try {
    return await use(rebuild);
  } finally {
    await rebuild.close();
  }
}

const order = (id: string): ProjectedEvent[] => orderStream(id, [placed(id, { lines: [['A', 2, 50]] }), confirmed(id)]);
const orders = projectionsOf('order');

/** Everything that describes the live tables of a projection: settings, keys, indexes, columns. */
async function shapeOf(name: ProjectionName): Promise<unknown[]> {
  const tables = projectionNamed(name).tables.map((table) => table.name);
  const { rows } = await client.query(
    `SELECT c.relname, c.relkind, c.reloptions, CASE c.relkind WHEN 'i' THEN pg_get_indexdef(c.oid) END AS definition,
       (SELECT array_agg(conname::text || pg_get_constraintdef(o.oid) ORDER BY conname) FROM pg_constraint o WHERE o.conrelid = c.oid) AS constraints,
       (SELECT array_agg(attname::text || format_type(atttypid, atttypmod) || attnotnull || attgenerated::text || attcollation ORDER BY attnum)
        FROM pg_attribute a WHERE a.attrelid = c.oid AND attnum > 0) AS columns
     FROM pg_class c WHERE c.relnamespace = 'read'::regnamespace
       AND (c.relname = ANY($1) OR EXISTS (SELECT FROM pg_index i WHERE i.indexrelid = c.oid AND i.indrelid::regclass::text = ANY($2)))
     ORDER BY c.relname`,
    [tables, tables.map((table) => `read.${table}`)],
  );
  return rows;
}

const leftovers = async (): Promise<unknown[]> =>
  (await client.query("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'read_rebuild%'")).rows;

describe.each([
  ['order', orderHistory],
  ['stock', stockHistory],
  ['fulfilment', fulfilmentHistory],
] as const)('%s projections', (category, history) => {
  it('equal their rebuild, however the events came in', async () => {
    await fc.assert(
      fc.asyncProperty(arrivals(history), async (batches) => {
        await emptyTables(client, PROJECTIONS);
        source = new MemoryEventSource();
        source.append(batches.flat().toSorted((a, b) => (a.streamId > b.streamId ? -1 : 1)));
        await applyLive(client, projectionsOf(category), batches);
        for (const { name } of projectionsOf(category)) {
          const { equal, tables, liveBehind } = await rebuilding(name as ProjectionName, (rebuild) => rebuild.compare(), {
            batchSize: 7,
            rowsAtOnce: 9,
          });
          expect({ equal, tables: tables.filter(({ differing }) => differing > 0) }).toEqual({ equal: true, tables: [] });
          expect(liveBehind.events).toBe(0);
        }
      }),
      { numRuns: 5, seed: 20101202 },
    );
  });
});

describe('a swap', () => {
  it.each(PROJECTION_NAMES)('of %s leaves tables of the same shape and content', async (name) => {
    const projection = projectionNamed(name);
    const history = {
      order: order('o1'),
      stock: stockStream('A', [{ type: 'StockReceived', data: { sku: 'A', quantity: 5, reference: null } }]),
    };
    const events = projection.category === 'stock' ? history.stock : projection.category === 'order' ? history.order : [];
    source.append(events);
    await applyLive(client, [projection], [events]);
    const [shape, rows] = [await shapeOf(name), await liveRows(client, projection)];
    const result = await rebuilding(name, (rebuild) => rebuild.swap());
    expect(result).toMatchObject({ equal: true, swapped: true });
    expect(await shapeOf(name)).toEqual(shape);
    expect(await liveRows(client, projection)).toEqual(rows);
    expect(await leftovers()).toEqual([]);
  });

  it('finds rows that were changed, lost or added by hand, and leaves them until told otherwise', async () => {
    const events = ['o1', 'o2', 'o3'].flatMap(order);
    source.append(events);
    await applyLive(client, orders, [events]);
    await client.query(`UPDATE read.orders SET total = total + 1 WHERE order_id = 'o1'`);
    await client.query(`DELETE FROM read.orders WHERE order_id = 'o2'`);
    await client.query(`INSERT INTO read.order_lines VALUES ('o3', 99, 'X', NULL, 1, 1)`);

    const refused = await rebuilding('orders', (rebuild) => rebuild.swap());
    expect(refused).toMatchObject({ equal: false, swapped: false });
    const found = Object.fromEntries(refused.tables.map((table) => [table.table, table]));
    expect(found['orders']).toMatchObject({
      liveRows: 2,
      rebuiltRows: 3,
      differing: 2,
      samples: [
        { key: ['o1'], live: { total: 101 }, rebuilt: { total: 100 } },
        { key: ['o2'], live: null },
      ],
    });
    expect(found['order_lines']).toMatchObject({ differing: 1, samples: [{ key: ['o3', '99'], rebuilt: null }] });
    expect(found['order_history']).toMatchObject({ differing: 0 });
    expect((await client.query('SELECT total::int FROM read.orders ORDER BY order_id')).rows).toEqual([{ total: 101 }, { total: 100 }]);

    expect(await rebuilding('orders', (rebuild) => rebuild.swap({ accept: true }))).toMatchObject({ equal: false, swapped: true });
    expect(await rebuilding('orders', (rebuild) => rebuild.compare())).toMatchObject({ equal: true });
  });

  it('heals tables that were lost together with their checkpoints', async () => {
    const events = ['o1', 'o2'].flatMap(order);
    source.append(events);
    await applyLive(client, orders, [events]);
    await client.query(`TRUNCATE read.customers, read.customer_spend, read.customer_orders`);
    await client.query(`DELETE FROM read.projection_positions WHERE projection = 'customers' AND stream_id = 'order-o1'`);
    await client.query(`UPDATE read.projection_positions SET version = 1 WHERE projection = 'customers' AND stream_id = 'order-o2'`);
    await client.query(`INSERT INTO read.projection_positions VALUES ('customers', 'order-nobody', 7)`);
    expect(await rebuilding('customers', (rebuild) => rebuild.swap({ accept: true }))).toMatchObject({ swapped: true });
    expect(await rebuilding('customers', (rebuild) => rebuild.compare())).toMatchObject({ equal: true });
    await applyLive(client, orders, [order('o3'), events]);
    expect((await liveRows(client, projectionNamed('customers')))['customers']).toEqual([expect.objectContaining({ orders: 3 })]);
  });

  it('takes along what the store has and the live tables have not yet; it comes to them again as a duplicate', async () => {
    const events = ['o1', 'o2'].flatMap(order);
    source.append(events);
    await applyLive(client, orders, [events.slice(0, 1)]);
    const result = await rebuilding('products', (rebuild) => rebuild.swap());
    expect(result).toMatchObject({ equal: true, swapped: true, liveBehind: { streams: 2, events: 3 } });
    await applyLive(client, orders, [events]);
    expect((await liveRows(client, projectionNamed('products')))['product_sales']).toEqual([
      { sku: 'A', currency: 'GBP', orders: 2, units: 4, revenue: 200 },
    ]);
    expect((await liveRows(client, projectionNamed('orders')))['orders']).toHaveLength(2);
  });
});

describe('while events flow', () => {
  it('nothing is lost or doubled, and no query fails or sees a mix', async () => {
    const writer = await connect();
    const reader = await connect();
    const end = new AbortController();
    let appended = 0;
    const flowing = (async () => {
      while (!end.signal.aborted) {
        const events = Array.from({ length: 5 }, () => order(`o${(appended += 1)}`)).flat();
        source.append(events);
        await applyLive(writer, orders, [events.slice(0, 7), events.slice(5)]);
      }
    })();
    let queries = 0;
    const querying = (async () => {
      while (!end.signal.aborted) {
        // prepared, as an app's queries are: the plan must follow the swap
        const { rows } = await reader.query({
          name: 'mix',
          text: `SELECT o.order_id FROM read.orders o LEFT JOIN read.order_history h USING (order_id, version)
            LEFT JOIN read.order_lines l USING (order_id) WHERE h.status IS DISTINCT FROM o.status OR l.line_no IS NULL`,
        });
        expect(rows).toEqual([]);
        queries += 1;
      }
    })();
    try {
      await waitFor(() => appended >= 20);
      for (const name of ['orders', 'customers', 'products', 'overview', 'orders'] as const) {
        expect(await rebuilding(name, (rebuild) => rebuild.swap())).toMatchObject({ equal: true, swapped: true });
      }
      const seen = queries;
      await waitFor(() => queries > seen);
    } finally {
      end.abort();
      await Promise.all([flowing, querying]);
      await writer.end();
      await reader.end();
    }
    expect((await liveRows(client, projectionNamed('orders')))['orders']).toHaveLength(appended);
    for (const { name } of orders) {
      expect(await rebuilding(name as ProjectionName, (rebuild) => rebuild.compare())).toMatchObject({ equal: true });
    }
  });

  it('an event whose position was taken before the scan but committed after it comes in by its stream', async () => {
    const events = ['o1', 'o2'].flatMap(order);
    source.append(order('o1'));
    await applyLive(client, orders, [order('o1')]);
    await rebuilding('orders', async (rebuild) => {
      // committed and projected after the scan, at whatever position
      source.append(order('o2'));
      await applyLive(client, orders, [events]);
      expect(await rebuild.swap()).toMatchObject({ equal: true, swapped: true });
    });
    expect((await liveRows(client, projectionNamed('orders')))['orders']).toHaveLength(2);
  });

  it('waits for a long query instead of failing it, and gives up rather than stall everyone', async () => {
    source.append(order('o1'));
    await applyLive(client, orders, [order('o1')]);
    const reader = await connect();
    await reader.query('BEGIN; SELECT count(*) FROM read.orders');
    await rebuilding('orders', async (rebuild) => {
      const swapping = rebuild.swap();
      // others are still served while it waits
      for (let i = 0; i < 5; i += 1) await client.query('SELECT count(*) FROM read.orders');
      await reader.query('COMMIT');
      expect(await swapping).toMatchObject({ swapped: true });
    });
    await reader.query('BEGIN; SELECT count(*) FROM read.orders');
    const stuck = rebuilding('orders', (rebuild) => rebuild.swap(), { swapAttempts: 2 });
    await expect(stuck).rejects.toThrow(TablesBusyError);
    await reader.end();
    expect(await leftovers()).toEqual([]);
  });
});

describe('two at once, and one that was killed', () => {
  it('the second is told who rebuilds it', async () => {
    await rebuilding('orders', async () => {
      const second = rebuildBeside('orders', { databaseUrl: database.url, source });
      await expect(second).rejects.toThrow(RebuildBusyError);
      await expect(second).rejects.toThrow(/orders is being rebuilt already \(tidemark-rebuild, database session \d+, since /);
    });
    await rebuilding('orders', async (rebuild) => expect(await rebuild.compare()).toMatchObject({ equal: true }));
  });

  it('other projections are not held up', async () => {
    await rebuilding('orders', () =>
      rebuilding('customers', async (rebuild) => expect(await rebuild.swap()).toMatchObject({ swapped: true })),
    );
  });

  const kill = async (): Promise<void> =>
    void (await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tidemark-rebuild' AND datname = current_database()`,
    ));

  it('killed while it builds, the next one begins anew', async () => {
    const events = ['o1', 'o2'].flatMap(order);
    source.append(events);
    await applyLive(client, orders, [events]);
    const source2 = Object.create(source) as MemoryEventSource;
    source2.readAll = async function* (options) {
      for await (const batch of source.readAll({ ...options, batchSize: 2 })) {
        yield batch;
        await kill();
      }
    };
    await expect(rebuildBeside('orders', { databaseUrl: database.url, source: source2 })).rejects.toThrow();
    expect(await leftovers()).toHaveLength(1);
    expect(await rebuilding('orders', (rebuild) => rebuild.swap())).toMatchObject({ equal: true, swapped: true });
    expect(await leftovers()).toEqual([]);
  });

  it('killed while it swaps, the live tables are the old ones, whole', async () => {
    source.append(order('o1'));
    await applyLive(client, orders, [order('o1')]);
    await client.query('UPDATE read.orders SET total = 1');
    const blocker = await connect();
    await blocker.query('BEGIN; SELECT count(*) FROM read.order_history');
    await rebuildBeside('orders', { databaseUrl: database.url, source }).then(async (rebuild) => {
      const swapping = rebuild.swap({ accept: true });
      swapping.catch(() => undefined);
      await waitFor(async () => (await client.query(`SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'`)).rowCount);
      await kill();
      await expect(swapping).rejects.toThrow();
    });
    await blocker.end();
    expect((await client.query('SELECT total::int FROM read.orders')).rows).toEqual([{ total: 1 }]);
    source.append(order('o2'));
    await applyLive(client, orders, [order('o2')]);
    expect(await rebuilding('orders', (rebuild) => rebuild.swap({ accept: true }))).toMatchObject({ swapped: true });
    expect((await client.query('SELECT total::int FROM read.orders')).rows).toEqual([{ total: 100 }, { total: 100 }]);
  });
});

it('an event the store has and no table can take stops the rebuild with its name, and changes nothing', async () => {
  source.append([...order('o1'), ...orderStream('o2', [{ type: 'OrderPlaced', data: { orderId: 'o2' } } as never])]);
  await applyLive(client, orders, [order('o1')]);
  await expect(rebuildBeside('orders', { databaseUrl: database.url, source })).rejects.toThrow(/order-o2@1/);
  expect((await liveRows(client, projectionNamed('orders')))['orders']).toHaveLength(1);
});

it('several from one reading: one that fails or is being rebuilt already says so, the others are built', async () => {
  const received = stockStream('A', [{ type: 'StockReceived', data: { sku: 'A', quantity: 5, reference: null } }]);
  // Nothing of stock is wrong with it; nobody's customer, it cannot become a row of theirs.
  const nobodys = orderStream('o2', [placed('o2', { customerId: null as never })]);
  source.append([...order('o1'), ...received, ...nobodys]);
  await applyLive(client, [projectionNamed('stock')], [received]);
  const busy = await rebuildBeside('fulfilments', { databaseUrl: database.url, source });
  const outcomes = await rebuildTogether(['customers', 'stock', 'fulfilments'], { databaseUrl: database.url, source, batchSize: 2 });
  expect(outcomes.get('customers')).toBeInstanceOf(Error);
  expect(outcomes.get('fulfilments')).toBeInstanceOf(RebuildBusyError);
  const stock = outcomes.get('stock') as BesideRebuild;
  expect(await stock.swap()).toMatchObject({ equal: true, swapped: true });
  await Promise.all([busy.close(), stock.close()]);
});
