import type { SaleLine } from './invoice-mapping.js';
import type { TradeTotals } from './totals.js';

export type OrderStatus = 'placed' | 'confirmed' | 'rejected' | 'cancelled';

/** The file's prices are in pounds. */
export const CURRENCY = 'GBP';

/** An order as query-api lists it. */
export interface ListedOrder {
  readonly orderId: string;
  readonly reference: string | null;
  readonly status: OrderStatus;
  readonly customerId: string;
  readonly currency: string;
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

export interface RangeFigures {
  readonly totals: TradeTotals;
  readonly byStatus: ReadonlyMap<OrderStatus, number>;
}

/** What is asked of query-api. */
export interface QuerySide {
  /** Of orders placed from `from` (included) to `to` (excluded). */
  figures(from: string, to: string): Promise<RangeFigures>;
  /** Orders of all time by status: quicker to tell than those of a range. */
  byStatus(): Promise<ReadonlyMap<OrderStatus, number>>;
  orders(filter: OrderFilter): AsyncIterable<ListedOrder>;
  orderLines(orderId: string): Promise<readonly Pick<SaleLine, 'sku' | 'quantity' | 'unitPrice'>[]>;
  /** Sales in {@link CURRENCY}. */
  products(): AsyncIterable<ListedProduct>;
  /** Orders and spend in {@link CURRENCY}. */
  customers(): AsyncIterable<ListedCustomer>;
}
