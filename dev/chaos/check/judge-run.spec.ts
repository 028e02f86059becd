/** Proves that the evidence is loaded as it is: against PostgreSQL with four orders that ended, whole and with something broken. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProjectionName } from '#read-models';
import { SmallWorld } from '../../verify/testing/small-world.js';
import type { Poison } from '../history/history-record.js';
import { messageDigest } from '../history/message-digest.js';
import { DEFAULT_BOUNDS } from './bounds.js';
import { GatewayBookFile, type Entry } from './gateway-book-file.js';
import { HistoryDigest } from './history-digest.js';
import { judgeRun } from './judge-run.js';
import { StoreQueries } from './store-queries.js';

let world: SmallWorld;
beforeEach(async () => {
  world = await SmallWorld.create();
});
afterEach(() => world.end());

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const row of rows) collected.push(row);
  return collected;
}

/** The small world was filled by nobody's commands: a history that knows none of them, and the answers of every check by its id. */
async function judged(poison: Poison[] = []): Promise<Record<string, string[]>> {
  const history = new HistoryDigest();
  for (const record of poison) history.add(record);
  const entries = world.book.map((payment): Entry => ({ operation: 'authorize', payment: { id: 'gw', token: 'tok_ok', ...payment } }));
  const results = await judgeRun({
    history,
    database: world.database,
    copies: async () => new Map(),
    topics: {
      batches: async function* () {
        yield world.records;
      },
    },
    book: () => GatewayBookFile.of(entries),
    projections: ['orders', 'stock'] satisfies ProjectionName[],
    rebuild: (projection) => world.rebuild(projection),
    faults: [],
    origins: {},
    samples: [],
    bounds: DEFAULT_BOUNDS,
    onChecked: () => undefined,
    onProgress: () => undefined,
  });
  return Object.fromEntries(results.map(({ id, violations }) => [id, violations.map(({ what }) => what)]));
}

describe('what is asked of the store', () => {
  it('finds what clients did, in the words they asked for it', async () => {
    const effects = await all(new StoreQueries(world.database).clientEffects());
    expect(effects.map(({ streamId, type, says }) => [streamId, type, says])).toEqual([
      ['stock-MUG', 'StockReceived', '20 of MUG'],
      ['order-o1', 'OrderPlaced', '850 GBP for c1 by tok_ok: MUG×2@425'],
      ['order-o2', 'OrderPlaced', '425 GBP for c1 by tok_ok: MUG×1@425'],
      ['order-o3', 'OrderPlaced', '1275 GBP for c1 by tok_ok: MUG×3@425'],
      ['order-o3', 'OrderCancelled', 'cancels o3'],
      ['order-o4', 'OrderPlaced', '21250 GBP for c1 by tok_ok: MUG×50@425'],
    ]);
  });

  it('finds how every order ended', async () => {
    const orders = await all(new StoreQueries(world.database).orders());
    const told = orders.map(({ orderId, status, outcome, rejection, cancelledFrom, parked, payment }) => [
      orderId,
      status,
      outcome,
      rejection,
      cancelledFrom,
      parked,
      payment && [payment.reference, payment.captured, payment.refunded],
    ]);
    expect(told.sort()).toEqual([
      ['o1', 'OrderConfirmed', 'confirmed', null, null, false, ['pay-o1', 850, 0]],
      ['o2', 'OrderRejected', 'rejected', 'payment-declined', null, false, ['pay-o2', 0, 0]],
      ['o3', 'OrderCancelled', 'cancelled', null, 'confirmed', false, ['pay-o3', 1275, 1275]],
      ['o4', 'OrderRejected', 'rejected', 'out-of-stock', null, false, null],
    ]);
    expect(orders.every(({ placedAt, startedAt, completedAt }) => placedAt! <= startedAt! && startedAt! <= completedAt!)).toBe(true);
  });

  it('finds when an order waited for an operator', async () => {
    await world.tamper(`UPDATE tidemark.events SET type = CASE version WHEN 2 THEN 'FulfilmentParked' ELSE 'FulfilmentResumed' END
      WHERE stream_id = 'fulfilment-o1' AND version IN (2, 3)`);
    const orders = await all(new StoreQueries(world.database).orders());
    const { parked, everParked, parkedTimes, startedAt, firstCompletedAt } = orders.find(({ orderId }) => orderId === 'o1')!;
    expect([parked, everParked, parkedTimes]).toEqual([false, true, [expect.any(Number), expect.any(Number)]]);
    expect([startedAt, ...parkedTimes, firstCompletedAt]).toEqual([startedAt, ...parkedTimes, firstCompletedAt].sort());
  });

  it('finds what is still reserved, and what came in and went out', async () => {
    const store = new StoreQueries(world.database);
    expect(await store.stock()).toEqual([{ sku: 'MUG', received: 20, adjusted: 0, shipped: 5, returned: 3 }]);
    expect(await store.openReservations()).toEqual([]);
    await world.tamper(`DELETE FROM tidemark.events WHERE type = 'StockReleased'`);
    expect(await store.openReservations()).toEqual([{ sku: 'MUG', orderId: 'o2', pieces: 1 }]);
  });

  it('finds dead letters and parked streams', async () => {
    await world.tamper(`INSERT INTO tidemark.consumer_dead_letters (group_id, topic, "partition", "offset", stream_id, code, reason, headers)
      VALUES ('projector', 'tidemark.order', 1, 5, 'order-o1', 'value-malformed', 'no JSON', '{}')`);
    await world.tamper(`UPDATE tidemark.consumer_dead_letters SET message_key = 'order-o1', message_value = '{"orderId": ',
      headers = jsonb_build_object(encode('x-injected', 'base64'), jsonb_build_array(encode('1', 'base64')))`);
    await world.tamper(
      `INSERT INTO tidemark.consumer_parked_streams (group_id, stream_id, code, reason) VALUES ('projector', 'order-o1', 'value-malformed', '')`,
    );
    const store = new StoreQueries(world.database);
    expect([await store.deadLetters(), await store.parkedStreams()]).toEqual([
      [
        {
          group: 'projector',
          topic: 'tidemark.order',
          partition: 1,
          offset: '5',
          streamId: 'order-o1',
          code: 'value-malformed',
          state: 'held',
          sha256: messageDigest({ key: 'order-o1', value: '{"orderId": ', headers: { 'x-injected': '1' } }),
          recordedAt: expect.any(Number),
          resolvedAt: null,
        },
      ],
      [{ group: 'projector', streamId: 'order-o1', code: 'value-malformed' }],
    ]);
  });
});

describe('a whole run', () => {
  it('is judged by every check; what a store without a history cannot show is found missing', async () => {
    const { I1, I2, I6, I11, I12, ...others } = await judged();
    expect(others).toEqual({ I3: [], I4: [], I5: [], I7: [], I8: [], I9: [], I10: [] });
    expect(I1).toEqual(['no command was ever accepted: nothing was proved']);
    expect(I6).toEqual(['no read ever showed what its token says: nothing was proved']);
    expect(I2).toHaveLength(6);
    expect(I2).toContain('nobody asked for StockReceived at stock-MUG@1');
    expect(I11).toContain('no process was ever looked at');
    expect(I12).toEqual(['the load was never settled']);
  });

  it('finds a hole, an unpublished event, disorder, and stock that is told otherwise', async () => {
    await world.tamper(`DELETE FROM tidemark.events WHERE stream_id = 'order-o1' AND version = 1`);
    await world.tamper(`UPDATE read.stock_levels SET shipped = 4`);
    world.records.reverse();
    const { I3, I4, I5, I8 } = await judged();
    expect(I3![0]).toContain('order-o1 holds 1 events');
    expect(I4).toEqual([expect.stringMatching(/^order-o1@1 .* is on its topic and not in the store$/)]);
    expect(I5!.length).toBeGreaterThan(0);
    expect(I8![0]).toContain('shipped is 5 by its events and 4 in the read model');
  });

  it('finds a read model that differs from its rebuild', async () => {
    await world.tamper(`UPDATE read.stock_levels SET shipped = 4`);
    expect((await judged()).I6).toEqual([expect.stringContaining('stock_levels'), expect.stringContaining('no read ever showed')]);
  });

  it('passes over injected poison on the topics, and misses it among the dead letters', async () => {
    const record = { topic: 'tidemark.order', partition: 1, offset: '77', streamId: null, version: null, eventId: null, content: null };
    world.records.push(record);
    expect((await judged()).I4).toEqual(['tidemark.order/1@77 is no event of ours']);
    const missed = (group: string) => `bad-json at order/1@77 is not among the dead letters of ${group}`;
    const { I4, I10 } = await judged([{ kind: 'poison', at: 1, ...record, what: 'bad-json', sha256: '' }]);
    expect([I4, I10]).toEqual([[], [missed('orchestrator'), missed('projector')]]);
  });

  it('takes a check that cannot be carried out for one that failed', async () => {
    await world.tamper('DROP TABLE tidemark.consumer_dead_letters');
    expect((await judged()).I10![0]).toContain('the check itself failed');
  });
});
