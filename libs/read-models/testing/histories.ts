import fc from 'fast-check';
import type { FulfilmentEvent, OrderEvent, StockEvent } from '#domain';
import type { ProjectedEvent } from '../projection/projected-event.js';
import { cancelled, confirmed, fulfilmentStream, orderStream, placed, rejected, stockStream, type Happened } from './events.js';

const SKUS = ['85123A', '71053', '84406B', '22752', 'DCGS0003'];
const CUSTOMERS = ['17850', '13047', 'guest-536365'];

const second = fc.integer({ min: 0, max: 3 * 3600 }).map((n) => new Date(Date.parse('2010-12-01T08:00:00.000Z') + n * 1_000).toISOString());

const line = fc.tuple(
  fc.constantFrom(...SKUS),
  fc.integer({ min: 1, max: 500 }),
  fc.integer({ min: 0, max: 2_000 }),
  fc.option(fc.constantFrom('WHITE HANGING HEART', 'white metal lantern', '?')),
);

/** Orders that share customers, SKUs, hours and currencies, with every way an order may end; ids follow from their number. */
export const orderHistory: fc.Arbitrary<ProjectedEvent[][]> = fc
  .array(
    fc.record({
      customerId: fc.constantFrom(...CUSTOMERS),
      name: fc.option(fc.constantFrom('Ann', 'Bob')),
      country: fc.option(fc.constantFrom('United Kingdom', 'EIRE')),
      currency: fc.constantFrom('GBP', 'GBP', 'EUR'),
      lines: fc.array(line, { minLength: 1, maxLength: 5 }),
      fate: fc.constantFrom('open', 'confirmed', 'rejected', 'cancelled', 'confirmed-cancelled'),
      times: fc.tuple(second, second, second),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((orders) =>
    orders.map(({ fate, times, ...options }, number) => {
      const id = `o${number + 1}`;
      const events: Record<typeof fate, OrderEvent[]> = {
        open: [placed(id, options)],
        confirmed: [placed(id, options), confirmed(id)],
        rejected: [placed(id, options), rejected(id)],
        cancelled: [placed(id, options), cancelled(id, 'placed')],
        'confirmed-cancelled': [placed(id, options), confirmed(id), cancelled(id, 'confirmed')],
      };
      return orderStream(
        id,
        events[fate].map((event, index) => ({ ...event, occurredAt: times[index] }) as OrderEvent & Happened),
      );
    }),
  );

const movement = (sku: string): fc.Arbitrary<StockEvent> => {
  const pieces = fc.integer({ min: 1, max: 100 });
  const orderId = fc.constantFrom('o1', 'o2', 'o3');
  return fc.oneof(
    fc.record({
      type: fc.constant('StockReceived' as const),
      data: fc.record({ sku: fc.constant(sku), quantity: pieces, reference: fc.constant(null) }),
    }),
    fc.record({
      type: fc.constant('StockAdjusted' as const),
      data: fc.record({ sku: fc.constant(sku), delta: fc.integer({ min: -50, max: 50 }), reason: fc.constant('count') }),
    }),
    ...(['StockReserved', 'StockReleased', 'StockShipped', 'StockReturned'] as const).map((type) =>
      fc.record({ type: fc.constant(type), data: fc.record({ sku: fc.constant(sku), orderId, quantity: pieces }) }),
    ),
    fc.record({
      type: fc.constant('StockReservationRejected' as const),
      data: fc.record({ sku: fc.constant(sku), orderId, requested: pieces, available: pieces }),
    }),
  );
};

/** Movements in no business order: a projection adds them up, it does not judge them. */
export const stockHistory: fc.Arbitrary<ProjectedEvent[][]> = fc
  .tuple(...SKUS.map((sku) => fc.array(movement(sku), { maxLength: 12 })))
  .map((streams) => streams.map((events, index) => stockStream(SKUS[index]!, events)));

const step = fc.constantFrom('reserve', 'authorize', 'capture', 'confirm', 'release', 'refund') as fc.Arbitrary<'reserve' | 'authorize'>;

const fulfilmentStep = (orderId: string): fc.Arbitrary<FulfilmentEvent> => {
  const id = fc.constant(orderId);
  const attempt = fc.integer({ min: 1, max: 9 });
  const detail = fc.constantFrom('timed out', 'no answer');
  return fc.oneof(
    fc.record({
      type: fc.constant('FulfilmentStepDispatched' as const),
      data: fc.record({ orderId: id, step, attempt, undo: fc.constant(null) }),
    }),
    fc.record({
      type: fc.constant('FulfilmentStepCompleted' as const),
      data: fc.record({ orderId: id, step, gatewayId: fc.constant(null) }),
    }),
    fc.record({
      type: fc.constant('FulfilmentStepRefused' as const),
      data: fc.record({ orderId: id, step, code: detail, detail, shortages: fc.constant([]) }),
    }),
    fc.record({ type: fc.constant('FulfilmentStepOutcomeUnknown' as const), data: fc.record({ orderId: id, step, attempt, detail }) }),
    fc.record({ type: fc.constant('FulfilmentCancellationRequested' as const), data: fc.record({ orderId: id, reason: detail }) }),
    fc.record({ type: fc.constant('FulfilmentParked' as const), data: fc.record({ orderId: id, step, code: detail, detail }) }),
    fc.record({
      type: fc.constant('FulfilmentResumed' as const),
      data: fc.record({ orderId: id, mode: fc.constant('retry' as const), reason: detail }),
    }),
    fc.record({
      type: fc.constant('FulfilmentResolved' as const),
      data: fc.record({
        orderId: id,
        step,
        outcome: fc.constantFrom('done' as const, 'not-done' as const),
        evidence: detail,
        reference: fc.constant('CASE-1'),
      }),
    }),
    fc.record({
      type: fc.constant('FulfilmentCompleted' as const),
      data: fc.record({ orderId: id, outcome: fc.constantFrom('confirmed' as const, 'rejected' as const) }),
    }),
  );
};

export const fulfilmentHistory: fc.Arbitrary<ProjectedEvent[][]> = fc
  .tuple(...['o1', 'o2', 'o3'].map((orderId) => fc.array(fulfilmentStep(orderId), { maxLength: 10 })))
  .map((streams) =>
    streams.map((events, index) => {
      const orderId = `o${index + 1}`;
      const begin: FulfilmentEvent = {
        type: 'FulfilmentStarted',
        data: { orderId, items: [{ sku: '85123A', quantity: 1 }], amount: 100, currency: 'GBP', paymentToken: 'tok_ok' },
      };
      return fulfilmentStream(orderId, [begin, ...events]);
    }),
  );

/** The streams' events in one line, each stream in its own order, cut into batches: one of the ways they may arrive. */
export const arrivals = (streams: fc.Arbitrary<ProjectedEvent[][]>): fc.Arbitrary<ProjectedEvent[][]> =>
  streams.chain((known) => {
    const total = known.reduce((sum, events) => sum + events.length, 0);
    return fc
      .record({
        picks: fc.array(fc.nat(), { minLength: total, maxLength: total }),
        cuts: fc.array(fc.boolean(), { minLength: total, maxLength: total }),
      })
      .map(({ picks, cuts }) => inBatches(interleave(known, picks), cuts));
  });

export function interleave(streams: readonly (readonly ProjectedEvent[])[], picks: readonly number[]): ProjectedEvent[] {
  const open = streams.map((events) => [...events]).filter((events) => events.length > 0);
  const line: ProjectedEvent[] = [];
  for (const pick of picks) {
    const index = pick % open.length;
    line.push(open[index]!.shift()!);
    if (open[index]!.length === 0) open.splice(index, 1);
  }
  return line;
}

function inBatches(events: readonly ProjectedEvent[], cuts: readonly boolean[]): ProjectedEvent[][] {
  const batches: ProjectedEvent[][] = [[]];
  events.forEach((event, index) => {
    batches.at(-1)!.push(event);
    if (cuts[index]) batches.push([]);
  });
  return batches.filter((batch) => batch.length > 0);
}
