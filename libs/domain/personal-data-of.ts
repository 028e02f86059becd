import type { AnyDomainEvent, DomainEventType } from './event-catalogue.js';
import type { PersonalPath } from './personal-data.js';

/** Kept true by the compiler: exactly the fields marked `Personal` in the event's type, or this does not compile. */
const PERSONAL_DATA: {
  readonly [Event in AnyDomainEvent as Event['type']]: Readonly<Record<PersonalPath<Event['data']>, true>>;
} = {
  OrderPlaced: { 'customer.name': true, 'customer.email': true, paymentToken: true },
  OrderConfirmed: {},
  OrderRejected: {},
  OrderCancelled: {},
  StockReceived: {},
  StockAdjusted: {},
  StockReserved: {},
  StockReservationRejected: {},
  StockReleased: {},
  StockShipped: {},
  StockReturned: {},
  PaymentRequested: { paymentToken: true },
  PaymentAuthorized: {},
  PaymentCaptured: {},
  PaymentDeclined: {},
  PaymentOutcomeUnknown: {},
  PaymentVoided: {},
  PaymentRefunded: {},
  FulfilmentStarted: { paymentToken: true },
  FulfilmentStepDispatched: {},
  FulfilmentStepCompleted: {},
  FulfilmentStepRefused: {},
  FulfilmentStepOutcomeUnknown: {},
  FulfilmentCancellationRequested: {},
  FulfilmentParked: {},
  FulfilmentResumed: {},
  FulfilmentResolved: {},
  FulfilmentCompleted: {},
};

/** Dotted paths into `data` of the personal fields of an event type; `*` stands for the items of an array. */
export const personalDataOf = (type: DomainEventType): readonly string[] => Object.keys(PERSONAL_DATA[type]);
