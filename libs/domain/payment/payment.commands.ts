import type { PaymentOperation } from './payment.events.js';

export interface RequestPayment {
  readonly type: 'RequestPayment';
  readonly data: {
    readonly orderId: string;
    readonly reference: string;
    /** Minor units, at least 0. */
    readonly amount: number;
    readonly currency: string;
    readonly paymentToken: string;
  };
}

export interface RecordAuthorization {
  readonly type: 'RecordAuthorization';
  readonly data: { readonly orderId: string; readonly gatewayId: string };
}

export interface RecordCapture {
  readonly type: 'RecordCapture';
  readonly data: { readonly orderId: string; readonly amount: number };
}

/** The gateway refused to authorize. (A refused capture leaves the payment authorized: it is voided then.) */
export interface RecordDecline {
  readonly type: 'RecordDecline';
  readonly data: { readonly orderId: string; readonly code: string; readonly detail: string };
}

export interface RecordUnknownOutcome {
  readonly type: 'RecordUnknownOutcome';
  readonly data: { readonly orderId: string; readonly operation: PaymentOperation; readonly detail: string };
}

/** Nothing is held (any more) at the gateway under our reference. */
export interface RecordVoid {
  readonly type: 'RecordVoid';
  readonly data: { readonly orderId: string };
}

export interface RecordRefund {
  readonly type: 'RecordRefund';
  readonly data: { readonly orderId: string; readonly amount: number };
}

export type PaymentCommand =
  | RequestPayment
  | RecordAuthorization
  | RecordCapture
  | RecordDecline
  | RecordUnknownOutcome
  | RecordVoid
  | RecordRefund;
