import type { OrderCustomer, OrderLine, OrderRejectionReason } from './order.events.js';

/** Lines are numbered by the decider in the order given; the total is computed, never taken from the client. */
export interface PlaceOrder {
  readonly type: 'PlaceOrder';
  readonly data: {
    readonly orderId: string;
    readonly reference: string | null;
    readonly customer: OrderCustomer;
    /** ISO 4217, capitals. */
    readonly currency: string;
    readonly lines: readonly Omit<OrderLine, 'lineNo'>[];
    readonly paymentToken: string;
  };
}

export interface ConfirmOrder {
  readonly type: 'ConfirmOrder';
  readonly data: { readonly orderId: string };
}

export interface RejectOrder {
  readonly type: 'RejectOrder';
  readonly data: { readonly orderId: string; readonly reason: OrderRejectionReason };
}

export interface CancelOrder {
  readonly type: 'CancelOrder';
  readonly data: { readonly orderId: string; readonly reason: string };
}

export type OrderCommand = PlaceOrder | ConfirmOrder | RejectOrder | CancelOrder;
