// Proves that whatever was ever stored can still be read: golden/ holds a sample of every version of every event type, for ever.
// A sample is never edited: a changed event gets a new schema version, an upcaster from the old one, and a sample of its own.
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fold } from './domain-event.js';
import { type AnyDomainEvent, type DomainEventType, domainEventTypes, eventCategory, SCHEMA_VERSIONS } from './event-catalogue.js';
import type { FulfilmentEvent } from './fulfilment/fulfilment.events.js';
import { evolveFulfilment } from './fulfilment/fulfilment.state.js';
import { decideFulfilment, type FulfilmentInput, initialFulfilment } from './fulfilment/fulfilment.workflow.js';
import type { OrderCommand } from './order/order.commands.js';
import { orderDecider } from './order/order.decider.js';
import type { OrderEvent } from './order/order.events.js';
import type { PaymentCommand } from './payment/payment.commands.js';
import { paymentDecider } from './payment/payment.decider.js';
import type { PaymentEvent } from './payment/payment.events.js';
import { personalDataOf } from './personal-data-of.js';
import type { StockCommand } from './stock/stock.commands.js';
import { stockDecider } from './stock/stock.decider.js';
import type { StockEvent } from './stock/stock.events.js';
import { parseStreamId } from './stream-id.js';
import { upcasters } from './upcasters.js';

interface Golden {
  readonly type: DomainEventType;
  readonly schemaVersion: number;
  readonly streamId: string;
  readonly data: object;
}

const folder = new URL('golden/', import.meta.url);
const goldens: readonly { file: string; golden: Golden }[] = readdirSync(folder)
  .sort()
  .map((file) => ({ file, golden: JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Golden }));

/** The sample as an event of today: upcast step by step, as the event reader does it. */
function today<Event extends AnyDomainEvent = AnyDomainEvent>({ type, schemaVersion, data }: Golden): Event {
  let current = data;
  for (let from = schemaVersion; from < SCHEMA_VERSIONS[type]; from++) {
    const step = upcasters.find((upcaster) => upcaster.type === type && upcaster.from === from);
    if (!step) throw new Error(`there is no upcaster of ${type} from version ${from}`);
    current = step.upcast(current);
  }
  return { type, data: current } as Event;
}

function newest<Event extends AnyDomainEvent>(type: Event['type']): Event {
  const found = goldens.find(({ golden }) => golden.type === type && golden.schemaVersion === SCHEMA_VERSIONS[type]);
  if (!found) throw new Error(`golden/${type}.v${SCHEMA_VERSIONS[type]}.json is missing`);
  return today<Event>(found.golden);
}

/** What comes before an event in its stream, and what the deciders of today write when it happens. */
interface Story {
  /** Folds what comes before and then `event`: the status it leads to. */
  statusAfter(event: AnyDomainEvent): string;
  write(): AnyDomainEvent[];
}

const orderStory = (before: OrderEvent['type'][], command: OrderCommand): Story => ({
  statusAfter: (event) => fold(orderDecider, [...before.map(newest<OrderEvent>), event as OrderEvent]).status,
  write: () => orderDecider.decide(command, fold(orderDecider, before.map(newest<OrderEvent>))),
});
const stockStory = (before: StockEvent['type'][], command: StockCommand): Story => ({
  statusAfter: (event) => fold(stockDecider, [...before.map(newest<StockEvent>), event as StockEvent]).status,
  write: () => stockDecider.decide(command, fold(stockDecider, before.map(newest<StockEvent>))),
});
const paymentStory = (before: PaymentEvent['type'][], command: PaymentCommand): Story => ({
  statusAfter: (event) => fold(paymentDecider, [...before.map(newest<PaymentEvent>), event as PaymentEvent]).status,
  write: () => paymentDecider.decide(command, fold(paymentDecider, before.map(newest<PaymentEvent>))),
});
const fulfilment = { initialState: initialFulfilment, evolve: evolveFulfilment };
const fulfilmentStory = (before: FulfilmentEvent['type'][], input: FulfilmentInput): Story => ({
  statusAfter: (event) => fold(fulfilment, [...before.map(newest<FulfilmentEvent>), event as FulfilmentEvent]).status,
  write: () => decideFulfilment(input, fold(fulfilment, before.map(newest<FulfilmentEvent>))),
});

const orderId = 'o-1';
const placed: OrderCommand = {
  type: 'PlaceOrder',
  data: {
    orderId,
    reference: '536365',
    customer: { id: '17850', name: 'Ada', email: 'ada@example.org', country: 'United Kingdom' },
    currency: 'GBP',
    lines: ['WHITE HANGING HEART', null, 'WHITE HANGING HEART'].map((description) => ({
      sku: '85123A',
      description,
      quantity: 1,
      unitPrice: 255,
    })),
    paymentToken: 'tok_ok',
  },
};
const shortages = [{ sku: '71053', requested: 6, available: 2 }];
const items = [
  { sku: '85123A', quantity: 8 },
  { sku: '71053', quantity: 6 },
];
const sku = '85123A';
const reservation = newest<Extract<StockEvent, { type: 'StockReserved' }>>('StockReserved').data;
const { amount } = newest<Extract<PaymentEvent, { type: 'PaymentRequested' }>>('PaymentRequested').data;
const authorizing: FulfilmentEvent['type'][] = ['FulfilmentStarted', 'FulfilmentStepCompleted', 'FulfilmentStepDispatched'];

const stories: Readonly<Record<DomainEventType, [statusAfter: string, Story]>> = {
  OrderPlaced: ['placed', orderStory([], placed)],
  OrderConfirmed: ['confirmed', orderStory(['OrderPlaced'], { type: 'ConfirmOrder', data: { orderId } })],
  OrderRejected: [
    'rejected',
    orderStory(['OrderPlaced'], { type: 'RejectOrder', data: { orderId, reason: { code: 'out-of-stock', detail: '-', shortages } } }),
  ],
  OrderCancelled: ['cancelled', orderStory(['OrderPlaced', 'OrderConfirmed'], { type: 'CancelOrder', data: { orderId, reason: '-' } })],
  StockReceived: ['tracked', stockStory([], { type: 'ReceiveStock', data: { sku, quantity: 1, reference: '-' } })],
  StockAdjusted: ['tracked', stockStory(['StockReceived'], { type: 'AdjustStock', data: { sku, delta: -1, reason: '-' } })],
  StockReserved: ['tracked', stockStory(['StockReceived'], { type: 'ReserveStock', data: reservation })],
  StockReservationRejected: ['untracked', stockStory([], { type: 'ReserveStock', data: reservation })],
  StockReleased: ['tracked', stockStory(['StockReceived', 'StockReserved'], { type: 'ReleaseStock', data: reservation })],
  StockShipped: ['tracked', stockStory(['StockReceived', 'StockReserved'], { type: 'ShipStock', data: reservation })],
  StockReturned: ['tracked', stockStory(['StockReceived', 'StockReserved', 'StockShipped'], { type: 'ReturnStock', data: reservation })],
  PaymentRequested: [
    'requested',
    paymentStory([], { type: 'RequestPayment', data: { orderId, reference: orderId, amount, currency: 'GBP', paymentToken: 'tok_ok' } }),
  ],
  PaymentAuthorized: ['authorized', paymentStory(['PaymentRequested'], { type: 'RecordAuthorization', data: { orderId, gatewayId: 'g' } })],
  PaymentCaptured: [
    'captured',
    paymentStory(['PaymentRequested', 'PaymentAuthorized'], { type: 'RecordCapture', data: { orderId, amount } }),
  ],
  PaymentDeclined: ['declined', paymentStory(['PaymentRequested'], { type: 'RecordDecline', data: { orderId, code: '-', detail: '-' } })],
  PaymentOutcomeUnknown: [
    'requested',
    paymentStory(['PaymentRequested'], { type: 'RecordUnknownOutcome', data: { orderId, operation: 'authorize', detail: '-' } }),
  ],
  PaymentVoided: ['voided', paymentStory(['PaymentRequested', 'PaymentAuthorized'], { type: 'RecordVoid', data: { orderId } })],
  PaymentRefunded: [
    'refunded',
    paymentStory(['PaymentRequested', 'PaymentAuthorized', 'PaymentCaptured'], { type: 'RecordRefund', data: { orderId, amount } }),
  ],
  FulfilmentStarted: [
    'reserving',
    fulfilmentStory([], { type: 'StartFulfilment', orderId, items, amount, currency: 'GBP', paymentToken: 'tok_ok' }),
  ],
  FulfilmentStepDispatched: ['paying', fulfilmentStory(['FulfilmentStarted'], { type: 'StockReserved' })],
  FulfilmentStepCompleted: ['deciding', fulfilmentStory(['FulfilmentStarted'], { type: 'StockReserved' })],
  FulfilmentStepRefused: ['deciding', fulfilmentStory(['FulfilmentStarted'], { type: 'StockRefused', shortages })],
  FulfilmentStepOutcomeUnknown: ['paying', fulfilmentStory(authorizing, { type: 'GatewayUnknown', operation: 'authorize', detail: '-' })],
  FulfilmentCancellationRequested: ['paying', fulfilmentStory(authorizing, { type: 'RequestCancellation', reason: '-' })],
  FulfilmentParked: [
    'parked',
    fulfilmentStory([...authorizing, 'FulfilmentStepOutcomeUnknown'], {
      type: 'GatewayFound',
      operation: 'authorize',
      payment: 'refunded',
      gatewayId: null,
    }),
  ],
  FulfilmentResumed: [
    'paying',
    fulfilmentStory([...authorizing, 'FulfilmentParked'], { type: 'ResumeFulfilment', mode: 'compensate', reason: '-' }),
  ],
  FulfilmentResolved: [
    'deciding',
    fulfilmentStory([...authorizing, 'FulfilmentParked'], {
      type: 'ResolveFulfilment',
      outcome: 'done',
      evidence: '-',
      reference: '-',
    }),
  ],
  FulfilmentCompleted: ['rejected', fulfilmentStory(['FulfilmentStarted'], { type: 'StockRefused', shortages })],
};

/** The kinds of all fields, without their values. */
function shapeOf(value: unknown): unknown {
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.map(shapeOf);
  return typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([key, field]) => [key, shapeOf(field)])) : typeof value;
}

describe('the golden samples', () => {
  it('are there for every version of every event type, and for nothing else', () => {
    const expected = domainEventTypes.flatMap((type) =>
      Array.from({ length: SCHEMA_VERSIONS[type] }, (_, index) => `${type}.v${index + 1}.json`),
    );
    expect(goldens.map(({ file }) => file)).toEqual(expected.sort());
  });

  it.each(goldens)('$file says what it is and lies in a stream of its category', ({ file, golden }) => {
    expect(`${golden.type}.v${golden.schemaVersion}.json`).toBe(file);
    expect(parseStreamId(golden.streamId)?.category).toBe(eventCategory(golden.type));
  });

  it.each(goldens)('$file is upcast and folded into its state', ({ golden }) => {
    const [status, story] = stories[golden.type];
    expect(story.statusAfter(today(golden))).toBe(status);
  });

  it.each(goldens)('$file, upcast, has the shape that is written today', ({ golden }) => {
    const written = stories[golden.type][1].write().find((event) => event.type === golden.type);
    expect(shapeOf(written?.data)).toEqual(shapeOf(today(golden).data));
  });

  it.each(goldens)('$file holds every personal field its type is said to have', ({ golden }) => {
    for (const path of personalDataOf(golden.type)) {
      const value = path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], today(golden).data);
      expect(value, path).toEqual(expect.any(String));
    }
  });
});

it('has no upcaster that nothing needs, and no two for one step', () => {
  const steps = upcasters.map(({ type, from }) => `${type} ${from}`);
  expect(new Set(steps).size).toBe(steps.length);
  expect(upcasters.filter(({ type, from }) => from >= SCHEMA_VERSIONS[type])).toEqual([]);
});
