import { createHash } from 'node:crypto';
import { isGoods } from './retail-code.js';
import type { RetailRow, RowProblem } from './retail-row.js';

export interface SaleLine {
  readonly sku: string;
  readonly description: string | null;
  /** Pieces. */
  readonly quantity: number;
  /** Pence a piece. */
  readonly unitPrice: number;
}

export interface SaleOrder {
  readonly invoice: string;
  /** ISO 8601 UTC; the earliest of the invoice's timestamps (43 invoices have two). */
  readonly placedAt: string;
  readonly customerId: string;
  readonly country: string | null;
  /** In file order, exact duplicates kept; an order may hold a SKU twice, also at two prices. */
  readonly lines: readonly SaleLine[];
  /** Pence. */
  readonly total: number;
}

/** Pieces found (positive) or written off (negative): the file's rows at price 0. */
export interface FoundOrWrittenOff {
  /** Unique over the file, and the same whenever the file is read. */
  readonly key: string;
  readonly sku: string;
  readonly delta: number;
  readonly reason: string;
  readonly at: string;
}

export type RefusalReason = RowProblem | 'negative-quantity' | 'another-customer';

export interface RefusedRow {
  readonly line: number;
  readonly invoice: string;
  readonly reason: RefusalReason;
  /** true when the row took its whole invoice with it. */
  readonly wholeInvoice: boolean;
}

/** An invoice as the shop would do it: at most one order or one reversal, and what else its rows stand for. */
export interface MappedInvoice {
  readonly invoice: string;
  readonly at: string;
  readonly order: SaleOrder | null;
  /** A `C…` invoice that a customer's earlier order may match; null for all others. */
  readonly reversal: { readonly customerId: string | null } | null;
  /** Equal for a sale and a `C…` invoice that hold the same codes, quantities and prices. */
  readonly signature: string;
  readonly stock: readonly FoundOrWrittenOff[];
  readonly refused: readonly RefusedRow[];
  /** Codes of rows that are no goods (postage, fees …): skipped, not refused. */
  readonly skipped: readonly string[];
}

const GUEST = 'guest-';

export const isGuest = (customerId: string): boolean => customerId.startsWith(GUEST);

/** @param rows all rows of one invoice, in file order */
export function mapInvoice(rows: readonly RetailRow[]): MappedInvoice {
  const first = rows[0]!;
  const at = rows.reduce((earliest, row) => (row.at !== '' && (earliest === '' || row.at < earliest) ? row.at : earliest), '');
  const base = { invoice: first.invoice, at, order: null, reversal: null, signature: '', stock: [], refused: [], skipped: [] };

  const refused = refusedRows(rows);
  if (refused.some((row) => row.wholeInvoice)) return { ...base, refused };

  const signature = signatureOf(rows);
  if (first.kind === 'reversal') return { ...base, signature, refused, reversal: { customerId: first.customerId } };

  const sound = rows.filter((row) => row.problem === null);
  const goods = sound.filter((row) => isGoods(row.code));
  const sold = goods.filter((row) => row.pence > 0);
  return {
    ...base,
    signature,
    refused,
    order: sold.length > 0 ? orderOf(first, at, sold) : null,
    stock: goods
      .filter((row) => row.pence === 0)
      .map((row, index) => ({
        key: `${row.invoice}-stock-${index + 1}`,
        sku: row.code,
        delta: row.quantity,
        reason: row.description ?? (row.quantity > 0 ? 'found' : 'written off'),
        at: row.at,
      })),
    skipped: sound.filter((row) => !isGoods(row.code)).map((row) => row.code),
  };
}

/**
 * A nonsense row of goods refuses its whole invoice, so that no order is half taken. A nonsense row that is no goods (a fee of 0.1
 * pence) could not have become a line anyway: it is reported and the invoice stands.
 */
function refusedRows(rows: readonly RetailRow[]): RefusedRow[] {
  const stockTaking = rows.every((row) => row.pence === 0 && row.problem === null);
  return rows.flatMap((row): RefusedRow[] => {
    const reason = row.problem ?? mismatchOf(row, rows[0]!, stockTaking);
    if (reason === null) return [];
    const harmless = isPriceProblem(reason) && !isGoods(row.code);
    return [{ line: row.line, invoice: row.invoice, reason, wholeInvoice: !harmless }];
  });
}

/** What is wrong with a row only beside the others of its invoice. */
function mismatchOf(row: RetailRow, first: RetailRow, stockTaking: boolean): RefusalReason | null {
  if (row.customerId !== first.customerId) return 'another-customer';
  return row.kind === 'sale' && row.quantity < 0 && !stockTaking ? 'negative-quantity' : null;
}

function isPriceProblem(problem: RefusalReason): boolean {
  return problem === 'bad-price' || problem === 'negative-price' || problem === 'price-not-in-pence';
}

function orderOf(first: RetailRow, placedAt: string, sold: readonly RetailRow[]): SaleOrder {
  return {
    invoice: first.invoice,
    placedAt,
    customerId: first.customerId ?? `${GUEST}${first.invoice}`,
    country: first.country,
    lines: sold.map((row) => ({ sku: row.code, description: row.description, quantity: row.quantity, unitPrice: row.pence })),
    total: sold.reduce((sum, row) => sum + row.quantity * row.pence, 0),
  };
}

function signatureOf(rows: readonly RetailRow[]): string {
  const lines = rows.map((row) => `${row.code}|${row.kind === 'reversal' ? -row.quantity : row.quantity}|${row.price}`).sort();
  return createHash('sha256').update(lines.join('\n')).digest('base64url');
}
