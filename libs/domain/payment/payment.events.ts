import type { DomainEvent } from '../domain-event.js';
import type { Personal } from '../personal-data.js';

/** What is asked of the payment gateway. */
export type PaymentOperation = 'authorize' | 'capture' | 'void' | 'refund';

/** One payment an order; `reference` is our own name for it at the gateway and what we ask by when an outcome is unknown. */
export type PaymentRequested = DomainEvent<
  'PaymentRequested',
  {
    readonly orderId: string;
    readonly reference: string;
    /** Minor units. */
    readonly amount: number;
    readonly currency: string;
    readonly paymentToken: Personal<string>;
  }
>;
export type PaymentAuthorized = DomainEvent<'PaymentAuthorized', { readonly orderId: string; readonly gatewayId: string }>;
export type PaymentCaptured = DomainEvent<'PaymentCaptured', { readonly orderId: string; readonly amount: number }>;
export type PaymentDeclined = DomainEvent<'PaymentDeclined', { readonly orderId: string; readonly code: string; readonly detail: string }>;
/** The gateway did not answer, or answered nothing usable: it may or may not have done it. */
export type PaymentOutcomeUnknown = DomainEvent<
  'PaymentOutcomeUnknown',
  { readonly orderId: string; readonly operation: PaymentOperation; readonly detail: string }
>;
export type PaymentVoided = DomainEvent<'PaymentVoided', { readonly orderId: string }>;
export type PaymentRefunded = DomainEvent<'PaymentRefunded', { readonly orderId: string; readonly amount: number }>;

export type PaymentEvent =
  | PaymentRequested
  | PaymentAuthorized
  | PaymentCaptured
  | PaymentDeclined
  | PaymentOutcomeUnknown
  | PaymentVoided
  | PaymentRefunded;
