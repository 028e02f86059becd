import type { FulfilmentEvent } from './fulfilment/fulfilment.events.js';
import type { OrderEvent } from './order/order.events.js';
import type { PaymentEvent } from './payment/payment.events.js';
import type { StockEvent } from './stock/stock.events.js';
import { STREAM_CATEGORIES, type StreamCategory } from './stream-id.js';

/** Every event this domain writes. */
export type AnyDomainEvent = OrderEvent | StockEvent | PaymentEvent | FulfilmentEvent;
export type DomainEventType = AnyDomainEvent['type'];

/** Newest schema version of each event type: what is written today. Raising one needs an upcaster and a golden sample. */
export const SCHEMA_VERSIONS: Readonly<Record<DomainEventType, number>> = {
  OrderPlaced: 1,
  OrderConfirmed: 1,
  OrderRejected: 1,
  OrderCancelled: 1,
  StockReceived: 1,
  StockAdjusted: 1,
  StockReserved: 1,
  StockReservationRejected: 1,
  StockReleased: 1,
  StockShipped: 1,
  StockReturned: 1,
  PaymentRequested: 1,
  PaymentAuthorized: 1,
  PaymentCaptured: 1,
  PaymentDeclined: 1,
  PaymentOutcomeUnknown: 1,
  PaymentVoided: 1,
  PaymentRefunded: 1,
  FulfilmentStarted: 1,
  FulfilmentStepDispatched: 1,
  FulfilmentStepCompleted: 1,
  FulfilmentStepRefused: 1,
  FulfilmentStepOutcomeUnknown: 1,
  FulfilmentCancellationRequested: 1,
  FulfilmentParked: 1,
  FulfilmentResumed: 1,
  FulfilmentResolved: 1,
  FulfilmentCompleted: 1,
};

export const domainEventTypes: readonly DomainEventType[] = Object.keys(SCHEMA_VERSIONS) as DomainEventType[];

export const isDomainEventType = (type: string): type is DomainEventType => Object.hasOwn(SCHEMA_VERSIONS, type);

/** The category of streams an event type lives in; its name starts with it. */
export function eventCategory(type: DomainEventType): StreamCategory {
  return STREAM_CATEGORIES.find((category) => type.toLowerCase().startsWith(category))!;
}
