import type { FoundOrWrittenOff, SaleOrder } from './invoice-mapping.js';
import { ACCEPTED_PAYMENT, hashBelow, syntheticPayment, type SyntheticPayment } from './payment-outcome.js';

/** How an order must end. `cancelled` is decided by a later `C…` invoice. */
export type ExpectedEnd = 'confirmed' | 'rejected' | 'cancelled';

/** One SKU in this many is never in stock, so that refusals for want of stock happen. */
const ONE_SHORT_SKU_IN = 400;

/**
 * Everything the file does not say, made up from hashes alone: neither the order of arrival nor how much of the file is replayed,
 * nor how often, changes how an order ends. That is what lets an interrupted replay, or two at once, be checked order by order.
 */
export class Scenario {
  constructor(readonly allPaid: boolean) {}

  payment(invoice: string): SyntheticPayment {
    return this.allPaid ? ACCEPTED_PAYMENT : syntheticPayment(invoice);
  }

  /** Such a SKU gets no opening stock, and pieces the file says were found are left out: every order that holds it is refused. */
  isShort(sku: string): boolean {
    return !this.allPaid && hashBelow(`out-of-stock:${sku}`, ONE_SHORT_SKU_IN) === 0;
  }

  /** Only sales under `allPaid`: no cancellations, nothing found or written off. */
  takes(kind: 'cancel' | 'stock', change?: FoundOrWrittenOff): boolean {
    return !this.allPaid && (kind === 'cancel' || !this.isShort(change?.sku ?? ''));
  }

  endOf(order: SaleOrder): 'confirmed' | 'rejected' {
    if (order.lines.some(({ sku }) => this.isShort(sku))) return 'rejected';
    return this.payment(order.invoice).outcome === 'accepted' ? 'confirmed' : 'rejected';
  }

  /**
   * Whether a cancellation waits for its order's end. One of an order that would be refused does (it is then refused itself, the
   * same every time); of the others about every second does, so that both a void and a refund are seen.
   */
  cancelsAfterEnd(order: string, end: ExpectedEnd): boolean {
    return end === 'rejected' || hashBelow(`cancel:${order}`, 2) === 0;
  }
}
