import { SCHEMA_VERSIONS, streamId, type AnyDomainEvent } from '#domain';
import { encode, type EventMessage, type OutgoingMessage } from '#messaging';
import type { SeededRandom } from '../kernel/seeded-random.js';
import type { StoredRecord } from '../kafka/memory-kafka.js';
import { uuid } from '../uuid.js';

/** What is sent to a partition, and what the checks know of it. */
export interface Sent {
  readonly topic: string;
  readonly partition: number;
  readonly record: Omit<StoredRecord, 'offset'>;
  /** Undefined: poison. */
  readonly event: EventMessage | undefined;
  /** Stream that poison claims to belong to. */
  readonly claims: string | null;
}

const SKUS = ['A', 'B', 'C'];

function happened(random: SeededRandom, order: number): AnyDomainEvent[] {
  const orderId = uuid(order);
  const lines = SKUS.slice(0, 1 + random.below(2)).map((sku, index) => ({
    lineNo: index + 1,
    sku,
    description: null,
    quantity: 1 + random.below(5),
    unitPrice: 100,
  }));
  const total = lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0);
  const customer = { id: `c${random.below(2)}`, name: null, email: null, country: 'United Kingdom' };
  const events: AnyDomainEvent[] = [
    { type: 'OrderPlaced', data: { orderId, reference: null, customer, currency: 'GBP', lines, total, paymentToken: 'tok_ok' } },
  ];
  const end = random.below(4);
  if (end === 0) events.push({ type: 'OrderRejected', data: { orderId, reason: { code: 'payment-declined', detail: 'no' } as never } });
  if (end >= 2) events.push({ type: 'OrderConfirmed', data: { orderId } });
  if (end === 3) events.push({ type: 'OrderCancelled', data: { orderId, reason: 'changed my mind', cancelledFrom: 'confirmed' } });
  return events;
}

function moved(random: SeededRandom, sku: string): AnyDomainEvent[] {
  const events: AnyDomainEvent[] = [{ type: 'StockReceived', data: { sku, quantity: 100, reference: null } }];
  for (let n = random.below(6); n > 0; n -= 1)
    events.push({ type: 'StockAdjusted', data: { sku, delta: 1 + random.below(3), reason: 'found' } });
  return events;
}

function messages(stream: string, events: readonly AnyDomainEvent[], serial: number): EventMessage[] {
  return events.map(({ type, data }, index) => ({
    id: uuid(serial * 1_000 + index),
    type,
    schemaVersion: SCHEMA_VERSIONS[type],
    streamId: stream,
    version: index + 1,
    data,
    occurredAt: `2026-01-05T08:00:${String(index).padStart(2, '0')}.000Z`,
    recordedAt: `2026-01-05T08:00:${String(index).padStart(2, '0')}.005Z`,
    correlationId: uuid(1),
    causationId: uuid(2),
    actor: 'sim',
    commandId: null,
    traceparent: null,
  }));
}

const stored = ({ key, value, headers }: OutgoingMessage): Sent['record'] => ({
  key: typeof key === 'string' ? Buffer.from(key) : key,
  value,
  headers: Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, Buffer.from(header as string)])),
});

/** A message nobody can take, in the place of `event`'s neighbour. */
function poison(random: SeededRandom, event: EventMessage): { record: Sent['record']; claims: string | null } {
  const strange = { ...event, id: uuid(900_000 + random.below(90_000)), version: event.version + random.below(2) };
  const good = stored(encode(strange));
  const claims = event.streamId;
  switch (random.below(6)) {
    case 0:
      return { record: { ...good, value: Buffer.from('{"half') }, claims };
    case 1:
      return { record: { ...good, value: null }, claims };
    case 2:
      return { record: { ...good, key: Buffer.from('somebody else') }, claims };
    case 3:
      return { record: { ...good, key: null, headers: {} }, claims: null };
    case 4:
      return { record: stored(encode({ ...strange, type: 'SomethingElse' })), claims };
    default:
      return { record: stored(encode({ ...strange, schemaVersion: 99 })), claims };
  }
}

export const PARTITIONS = 2;

/** Everything that will be sent, in the order of sending: streams interleaved, each in order, some of it twice, some poison among it. */
export function tellStories(random: SeededRandom): Sent[] {
  const streams: { topic: string; partition: number; events: EventMessage[] }[] = [];
  const orders = 2 + random.below(4);
  for (let n = 0; n < orders; n += 1) {
    const id = streamId('order', uuid(n));
    streams.push({ topic: 'tidemark.order', partition: n % PARTITIONS, events: messages(id, happened(random, n), n + 1) });
  }
  const skus = 1 + random.below(2);
  for (let n = 0; n < skus; n += 1) {
    const sku = SKUS[n] as string;
    streams.push({
      topic: 'tidemark.stock',
      partition: n % PARTITIONS,
      events: messages(streamId('stock', sku), moved(random, sku), n + 100),
    });
  }
  const sent: Sent[] = [];
  const poisonous = random.chance(0.4);
  const waiting = streams.map((stream) => ({ ...stream, next: 0 }));
  while (waiting.some(({ events, next }) => next < events.length)) {
    const stream = random.pick(waiting.filter(({ events, next }) => next < events.length));
    const { topic, partition, events } = stream;
    const event = events[stream.next] as EventMessage;
    stream.next += 1;
    sent.push({ topic, partition, record: stored(encode(event)), event, claims: event.streamId });
    if (poisonous && random.chance(0.15)) sent.push({ topic, partition, event: undefined, ...poison(random, event) });
    // A relay that died between send and delete sends its batch again.
    if (random.chance(0.15)) {
      for (const again of events.slice(Math.max(0, stream.next - 1 - random.below(3)), stream.next)) {
        sent.push({ topic, partition, record: stored(encode(again)), event: again, claims: again.streamId });
      }
    }
  }
  return sent;
}
