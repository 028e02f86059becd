import type { FoundOrWrittenOff, MappedInvoice, RefusedRow, SaleOrder } from './invoice-mapping.js';

/** First and last day, both included, `YYYY-MM-DD` in UTC; an open end takes everything. */
export interface DayRange {
  readonly from: string | null;
  readonly to: string | null;
}

export function inRange(at: string, { from, to }: DayRange): boolean {
  const day = at.slice(0, 10);
  return (from === null || day >= from) && (to === null || day <= to);
}

/** `C…` invoices that do not take back one whole order of the file; counted, not replayed. */
export type UnmatchedReversal = 'partial-or-unmatched' | 'without-customer' | 'order-outside-range';

/** What the file asks for, one thing at a time. */
export type Trade =
  | { readonly kind: 'order'; readonly order: SaleOrder }
  | { readonly kind: 'stock'; readonly change: FoundOrWrittenOff }
  | { readonly kind: 'cancel'; readonly invoice: string; readonly cancels: string; readonly at: string }
  | { readonly kind: 'unmatched'; readonly why: UnmatchedReversal }
  | { readonly kind: 'refused'; readonly rows: readonly RefusedRow[] }
  | { readonly kind: 'skipped'; readonly codes: readonly string[] };

/**
 * Invoices into what is to be done. A `C…` invoice cancels the latest earlier order (earlier in the file: five share their order's
 * minute) of the same customer with exactly the same codes, quantities and prices that no other `C…` invoice has cancelled.
 */
export class TradeReader {
  /** Orders that may still be taken back, by customer and signature; latest last. */
  private readonly standing = new Map<string, string[]>();
  private readonly taken = new Set<string>();

  constructor(private readonly range: DayRange) {}

  /** Invoices must be handed over in file order, those outside the range too: a reversal may look back to them. */
  read(invoice: MappedInvoice): Trade[] {
    const within = inRange(invoice.at, this.range);
    const trades: Trade[] = [];
    // Refused rows without a usable date cannot be placed in or out of the range; they are always reported.
    if (invoice.refused.length > 0 && (within || invoice.at === '')) trades.push({ kind: 'refused', rows: invoice.refused });
    if (invoice.skipped.length > 0 && within) trades.push({ kind: 'skipped', codes: invoice.skipped });
    if (within) trades.push(...invoice.stock.map((change): Trade => ({ kind: 'stock', change })));
    if (invoice.order) {
      this.remember(invoice, within);
      if (within) trades.push({ kind: 'order', order: invoice.order });
    }
    if (invoice.reversal) {
      const cancels = this.match(invoice.reversal.customerId, invoice.signature);
      if (within) trades.push(this.reversalOf(invoice, cancels));
    }
    return trades;
  }

  private remember(invoice: MappedInvoice, within: boolean): void {
    if (within) this.taken.add(invoice.invoice);
    const key = `${invoice.order!.customerId}|${invoice.signature}`;
    const alike = this.standing.get(key);
    if (alike) alike.push(invoice.invoice);
    else this.standing.set(key, [invoice.invoice]);
  }

  private match(customerId: string | null, signature: string): string | undefined {
    return customerId === null ? undefined : this.standing.get(`${customerId}|${signature}`)?.pop();
  }

  private reversalOf(invoice: MappedInvoice, cancels: string | undefined): Trade {
    if (invoice.reversal!.customerId === null) return { kind: 'unmatched', why: 'without-customer' };
    if (cancels === undefined) return { kind: 'unmatched', why: 'partial-or-unmatched' };
    if (!this.taken.has(cancels)) return { kind: 'unmatched', why: 'order-outside-range' };
    return { kind: 'cancel', invoice: invoice.invoice, cancels, at: invoice.at };
  }
}
