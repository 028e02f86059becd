import { isGuest, type SaleLine } from './invoice-mapping.js';

/** The names of the data set's expected files. */
export interface TradeTotals {
  readonly orders: number;
  readonly lines: number;
  readonly skus: number;
  /** Distinct customers, guests (one customer an order) among them. */
  readonly customers: number;
  readonly guestOrders: number;
  /** Pieces. */
  readonly units: number;
  readonly revenuePence: number;
}

export interface CountedOrder {
  readonly customerId: string;
  readonly lines: readonly Pick<SaleLine, 'sku' | 'quantity' | 'unitPrice'>[];
}

export interface ProductTotals {
  units: number;
  revenuePence: number;
}

export interface CustomerTotals {
  orders: number;
  spendPence: number;
}

/** Adds up orders one at a time; memory proportional to the number of SKUs and customers. */
export class TradeSum {
  readonly products = new Map<string, ProductTotals>();
  readonly customers = new Map<string, CustomerTotals>();
  private orders = 0;
  private lines = 0;
  private guestOrders = 0;
  private units = 0;
  private revenuePence = 0;

  add(order: CountedOrder): void {
    this.orders += 1;
    this.lines += order.lines.length;
    if (isGuest(order.customerId)) this.guestOrders += 1;
    let spend = 0;
    for (const { sku, quantity, unitPrice } of order.lines) {
      const product = this.products.get(sku) ?? { units: 0, revenuePence: 0 };
      product.units += quantity;
      product.revenuePence += quantity * unitPrice;
      this.products.set(sku, product);
      this.units += quantity;
      spend += quantity * unitPrice;
    }
    this.revenuePence += spend;
    const customer = this.customers.get(order.customerId) ?? { orders: 0, spendPence: 0 };
    customer.orders += 1;
    customer.spendPence += spend;
    this.customers.set(order.customerId, customer);
  }

  totals(): TradeTotals {
    return {
      orders: this.orders,
      lines: this.lines,
      skus: this.products.size,
      customers: this.customers.size,
      guestOrders: this.guestOrders,
      units: this.units,
      revenuePence: this.revenuePence,
    };
  }
}
