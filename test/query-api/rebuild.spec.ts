/** Proves: while every projection is rebuilt and swapped, over and over, no query fails, and none sees anything but the whole truth. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROJECTION_NAMES } from '#read-models';
import { rebuildBeside } from '#read-models/write';
import { waitFor } from '../harness/index.js';
import { QueryApiFixture } from './query-api-fixture.js';
import { cancelled, confirmed, outOfStock, placed, received, reserved } from './sample-events.js';

const ORDERS = 120;
const ROUNDS = 1;
let house: QueryApiFixture;

beforeAll(async () => {
  house = await QueryApiFixture.start();
  for (let n = 0; n < ORDERS; n += 1) {
    const id = `r-${n}`;
    const lines = Array.from({ length: 20 }, (_, line) => ({ sku: `S${(n + line) % 40}`, quantity: 1 + (n % 3), unitPrice: 100 + line }));
    const fate = [confirmed(id), outOfStock(id), cancelled(id, 'placed'), confirmed(id)][n % 4]!;
    const occurredAt = new Date(Date.UTC(2010, 11, 1, n % 24)).toISOString();
    await house.append(`order-${id}`, [placed(id, { customerId: `c-${n % 9}`, lines }), fate], { occurredAt });
    await house.append(`stock-S${n % 40}`, [received(`S${n % 40}`, 50), reserved(`S${n % 40}`, id, 1)]);
    await house.append(`fulfilment-${id}`, [
      { type: 'FulfilmentStarted', data: { orderId: id, items: [], amount: 1, currency: 'GBP', paymentToken: 'tok' } },
    ]);
  }
  await house.project();
});
afterAll(() => house?.stop());

describe('a rebuild under queries', () => {
  const paths = [
    '/orders/r-1',
    '/orders/r-0',
    '/orders?limit=200',
    '/orders?sku=S7&limit=200',
    '/overview',
    '/overview?from=2010-12-01',
    '/customers?sort=spend',
    '/customers/c-1',
    '/stock',
    '/products?sort=revenue',
    '/products/S7',
    '/fulfilments',
    '/refusals',
  ];

  it('changes no answer and fails none', async () => {
    const tags = new Map<string, string | null>();
    for (const path of paths) tags.set(path, (await house.get(path)).headers.get('etag'));
    const done = new AbortController();
    let asked = 0;
    const ask = async (offset: number) => {
      for (let turn = offset; !done.signal.aborted; turn += 1) {
        const path = paths[turn % paths.length]!;
        const { status, headers, body } = await house.get(path);
        expect([path, status, status === 200 ? '' : body, headers.get('etag')]).toEqual([path, 200, '', tags.get(path)]);
        asked += 1;
      }
    };
    const clients = [0, 3, 6, 9].map(ask);
    const swaps = (async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const name of PROJECTION_NAMES) {
          const rebuild = await rebuildBeside(name, { databaseUrl: house.databaseUrl, source: house.reader });
          try {
            expect(await rebuild.swap()).toMatchObject({ equal: true, swapped: true });
          } finally {
            await rebuild.close();
          }
        }
      }
    })().finally(() => done.abort());
    await Promise.all([swaps, ...clients]);
    expect(asked).toBeGreaterThan(ROUNDS * PROJECTION_NAMES.length);
  });

  it('is never seen with the eyes of the time before it', async () => {
    const before = (await house.get('/orders/r-1')).headers.get('etag');
    const swap = await house.pool.connect();
    await swap.query('BEGIN');
    // Rows written by the swap itself are invisible to every snapshot taken before its commit, also to one that waited for its locks.
    for (const table of ['orders', 'order_lines', 'order_history']) {
      await swap.query(`LOCK TABLE read.${table} IN ACCESS EXCLUSIVE MODE`);
      await swap.query(`CREATE TABLE public.${table} (LIKE read.${table} INCLUDING ALL)`);
      await swap.query(`INSERT INTO public.${table} SELECT * FROM read.${table}`);
      await swap.query(`DROP TABLE read.${table}`);
      await swap.query(`ALTER TABLE public.${table} SET SCHEMA read`);
    }
    const answers = ['/orders/r-1', '/overview?from=2010-12-01', '/orders?limit=1'].map((path) => house.get(path));
    await waitFor(async () => {
      const { rows } = await house.pool.query<{ waiting: number }>(
        `SELECT count(*)::integer AS waiting FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`,
      );
      return rows[0]!.waiting === answers.length;
    });
    await swap.query('COMMIT');
    swap.release();
    const [order, overview, list] = await Promise.all(answers);
    expect([order!.status, order!.headers.get('etag')]).toEqual([200, before]);
    expect((overview!.body as { placed: { orders: number } }).placed.orders).toBe(ORDERS);
    expect((list!.body as { items: unknown[] }).items).toHaveLength(1);
  });
});
