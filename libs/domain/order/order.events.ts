import type { DomainEvent } from '../domain-event.js';
import type { Personal } from '../personal-data.js';

/** One line as the customer ordered it. Lines are identified by `lineNo` (1..n), never by SKU: an order may hold a SKU twice. */
export interface OrderLine {
  readonly lineNo: number;
  readonly sku: string;
  readonly description: string | null;
  /** Pieces, at least 1. */
  readonly quantity: number;
  /** Minor units of the order's currency a piece, at least 0. */
  readonly unitPrice: number;
}

export interface OrderCustomer {
  /** Pseudonymous subject key: whose personal data the fields marked `Personal` are. */
  readonly id: string;
  readonly name: Personal<string> | null;
  readonly email: Personal<string> | null;
  /** Country of delivery, as the client names it. */
  readonly country: string | null;
}

export type OrderPlaced = DomainEvent<
  'OrderPlaced',
  {
    readonly orderId: string;
    /** The client's own name for the order (an invoice number), if it has one. */
    readonly reference: string | null;
    readonly customer: OrderCustomer;
    /** ISO 4217. */
    readonly currency: string;
    readonly lines: readonly OrderLine[];
    /** Sum of quantity × unitPrice, minor units. */
    readonly total: number;
    /** Opaque token of the payment method, issued by the gateway. */
    readonly paymentToken: Personal<string>;
  }
>;

export type OrderConfirmed = DomainEvent<'OrderConfirmed', { readonly orderId: string }>;

export interface OrderRejectionReason {
  readonly code: 'out-of-stock' | 'payment-declined' | 'payment-failed' | 'operator';
  readonly detail: string;
  readonly shortages?: readonly StockShortage[];
}

export interface StockShortage {
  readonly sku: string;
  readonly requested: number;
  readonly available: number;
}

export type OrderRejected = DomainEvent<'OrderRejected', { readonly orderId: string; readonly reason: OrderRejectionReason }>;

export type OrderCancelled = DomainEvent<
  'OrderCancelled',
  {
    readonly orderId: string;
    readonly reason: string;
    /** What the order was when it was cancelled: a confirmed order is refunded and its goods come back. */
    readonly cancelledFrom: 'placed' | 'confirmed';
  }
>;

export type OrderEvent = OrderPlaced | OrderConfirmed | OrderRejected | OrderCancelled;
