import { streamId, type DomainEvent, type FulfilmentStep } from '#domain';
import type { ProjectedEvent } from '#read-models/write';
import { confirmed, placed, uuidOf } from '../../libs/read-models/testing/events.js';

/** About what an order of the Online Retail year has; each line another SKU of the catalogue, some of them in every tenth order. */
const LINES = 26;
const SKUS = 4_000;
const CUSTOMERS = 4_372;
/** Orders that are on their way at the same time: so far apart an order's first and last event are in the store. */
const ON_THEIR_WAY = 16;
const FIRST_ORDER_AT = Date.parse('2010-12-01T08:26:00.000Z');

/**
 * A trade in the shape of the year, in the order in which a store would have it: every run has the same. Payments are left out: no
 * projection takes them.
 */
export function* trade(orders: number): Generator<ProjectedEvent> {
  const next = random(20_101_201);
  const versions = new Map<string, number>();
  let clock = FIRST_ORDER_AT;
  const happened = (stream: string, { type, data }: DomainEvent<string, object>): ProjectedEvent => {
    const version = (versions.get(stream) ?? 0) + 1;
    versions.set(stream, version);
    const recordedAt = new Date((clock += 7)).toISOString();
    return {
      id: uuidOf(`${stream}@${version}`),
      streamId: stream,
      version,
      type,
      data,
      occurredAt: recordedAt,
      recordedAt,
      actor: 'bench',
    };
  };
  const stock = (type: string, sku: string, quantity: number, about: object): ProjectedEvent =>
    happened(streamId('stock', sku), { type, data: { sku, quantity, ...about } });

  for (let n = 0; n < SKUS; n += 1) yield stock('StockReceived', `SKU${n}`, 1_000_000, { reference: null });
  /** What is still to happen to each order that is on its way, the oldest first. */
  const onTheirWay: Generator<ProjectedEvent>[] = [];
  function* order(n: number): Generator<ProjectedEvent> {
    const orderId = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
    const lines = Array.from(
      { length: LINES },
      () => [`SKU${Math.floor(SKUS * next() ** 2.5)}`, 1 + Math.floor(12 * next()), 250] as const,
    );
    const items = new Map<string, number>();
    for (const [sku, quantity] of lines) items.set(sku, (items.get(sku) ?? 0) + quantity);
    const customerId = String(12_000 + Math.floor(CUSTOMERS * next()));
    const described = lines.map((line) => [...line, 'WHITE HANGING HEART T-LIGHT HOLDER'] as const);
    const saga = (type: string, data: object): ProjectedEvent =>
      happened(streamId('fulfilment', orderId), { type, data: { orderId, ...data } });
    const dispatched = (step: FulfilmentStep): ProjectedEvent => saga('FulfilmentStepDispatched', { step, attempt: 1, undo: null });
    const completed = (step: FulfilmentStep): ProjectedEvent => saga('FulfilmentStepCompleted', { step, gatewayId: null });

    const order = placed(orderId, { customerId, lines: described });
    yield happened(streamId('order', orderId), order);
    const sums = [...items].map(([sku, quantity]) => ({ sku, quantity }));
    yield saga('FulfilmentStarted', { items: sums, amount: 1, currency: 'GBP', paymentToken: 'tok_ok' });
    yield dispatched('reserve');
    for (const { sku, quantity } of sums) yield stock('StockReserved', sku, quantity, { orderId });
    yield completed('reserve');
    for (const step of ['authorize', 'capture'] as const) {
      yield dispatched(step);
      yield completed(step);
    }
    yield dispatched('confirm');
    for (const { sku, quantity } of sums) yield stock('StockShipped', sku, quantity, { orderId });
    yield happened(streamId('order', orderId), confirmed(orderId));
    yield completed('confirm');
    yield saga('FulfilmentCompleted', { outcome: 'confirmed' });
  }
  for (let n = 0; n < orders || onTheirWay.length > 0;) {
    while (n < orders && onTheirWay.length < ON_THEIR_WAY) onTheirWay.push(order(n++));
    for (const each of [...onTheirWay]) {
      const { value, done } = each.next();
      if (done === true) onTheirWay.splice(onTheirWay.indexOf(each), 1);
      else yield value;
    }
  }
}

/** A small generator with a fixed seed. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The values so many at a time. */
export function* inBatches<Value>(values: Iterable<Value>, size: number): Generator<Value[]> {
  let batch: Value[] = [];
  for (const value of values) {
    batch.push(value);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
