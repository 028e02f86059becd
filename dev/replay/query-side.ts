import type { SaleLine } from './invoice-mapping.js';
import type { TradeTotals } from './totals.js';

export type OrderStatus = 'placed' | 'confirmed' | 'rejected' | 'cancelled';

/** An order as query-api lists it. */
export interface ListedOrder {
  readonly orderId: string;
  readonly reference: string | null;
  readonly status: OrderStatus;
  readonly customerId: string;
  /** ISO 8601. */
  readonly placedAt: string;
  /** Minor units. */
  readonly total: number;
  readonly lines: number;
  readonly units: number;
  readonly refusalCode: string | null;
}

export interface ListedProduct {
  readonly sku: string;
  readonly units: number;
  readonly revenuePence: number;
}

export interface ListedCustomer {
  readonly customerId: string;
  /** Confirmed and not cancelled since. */
  readonly orders: number;
  readonly spendPence: number;
}

export interface OrderFilter {
  readonly status?: OrderStatus;
  /** ISO 8601, included. */
  readonly placedFrom?: string;
  /** ISO 8601, excluded. */
  readonly placedTo?: string;
}

/** What is asked of query-api. */
export interface QuerySide {
  totals(from: string, to: string): Promise<TradeTotals>;
  /** How many orders of the range stand in each status. */
  byStatus(from: string, to: string): Promise<ReadonlyMap<OrderStatus, number>>;
  orders(filter: OrderFilter): AsyncIterable<ListedOrder>;
  orderLines(orderId: string): Promise<readonly Pick<SaleLine, 'sku' | 'quantity' | 'unitPrice'>[]>;
  products(): AsyncIterable<ListedProduct>;
  customers(): AsyncIterable<ListedCustomer>;
}
