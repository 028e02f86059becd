import type { DomainEvent } from '../domain-event.js';

export type StockReceived = DomainEvent<
  'StockReceived',
  { readonly sku: string; readonly quantity: number; readonly reference: string | null }
>;
/** Found (positive) or written off (negative) pieces. */
export type StockAdjusted = DomainEvent<'StockAdjusted', { readonly sku: string; readonly delta: number; readonly reason: string }>;
/** `quantity` is the order's sum over all its lines of this SKU. */
export type StockReserved = DomainEvent<'StockReserved', { readonly sku: string; readonly orderId: string; readonly quantity: number }>;
/** Someone waits for the answer, so the refusal is itself an event. It changes no quantity. */
export type StockReservationRejected = DomainEvent<
  'StockReservationRejected',
  { readonly sku: string; readonly orderId: string; readonly requested: number; readonly available: number }
>;
export type StockReleased = DomainEvent<'StockReleased', { readonly sku: string; readonly orderId: string; readonly quantity: number }>;
export type StockShipped = DomainEvent<'StockShipped', { readonly sku: string; readonly orderId: string; readonly quantity: number }>;
/** Goods of a cancelled, already shipped order are back on hand. */
export type StockReturned = DomainEvent<'StockReturned', { readonly sku: string; readonly orderId: string; readonly quantity: number }>;

export type StockEvent =
  | StockReceived
  | StockAdjusted
  | StockReserved
  | StockReservationRejected
  | StockReleased
  | StockShipped
  | StockReturned;
