import { isGoods } from './retail-code.js';
import type { RetailRow } from './retail-row.js';
import { inRange, type DayRange } from './trade.js';

/** What must be known of the whole file before the first order of it is placed. */
export interface Survey {
  readonly rows: number;
  /** First and last day on which anything happened, `YYYY-MM-DD`; null when no row has a date. */
  readonly firstDay: string | null;
  readonly lastDay: string | null;
  /**
   * Where each invoice ends, so that it is complete when it is mapped: the rows of an invoice need not stand together
   * (542806 has another's rows in between).
   */
  readonly lastLines: ReadonlyMap<string, number>;
  /** Where the last invoice of the range ends: what comes after it need not be read again. */
  readonly lastLine: number;
  /** Sale invoices of the range: how many orders there will be (a row refused for less obvious reasons may still cost one). */
  readonly orders: number;
  /**
   * Pieces needed of each SKU of the range, for every sale and write-off of the whole file at once: with so many in stock nothing
   * is ever short. Not of the range alone, so that the same SKU opens with the same quantity whatever part is replayed.
   */
  readonly demand: ReadonlyMap<string, number>;
}

/** One pass in memory proportional to the number of invoices and SKUs. */
export async function survey(rows: AsyncIterable<RetailRow>, range: DayRange): Promise<Survey> {
  let count = 0;
  let firstDay: string | null = null;
  let lastDay: string | null = null;
  const lastLines = new Map<string, number>();
  const orders = new Set<string>();
  const refused = new Set<string>();
  const skus = new Set<string>();
  const within = new Set<string>();
  const demand = new Map<string, number>();
  for await (const row of rows) {
    count += 1;
    lastLines.set(row.invoice, row.line);
    if (row.problem !== null) {
      if (isGoods(row.code)) refused.add(row.invoice);
      continue;
    }
    const day = row.at.slice(0, 10);
    if (firstDay === null || day < firstDay) firstDay = day;
    if (lastDay === null || day > lastDay) lastDay = day;
    const isWithin = inRange(row.at, range);
    if (isWithin) within.add(row.invoice);
    if (row.kind !== 'sale' || !isGoods(row.code)) continue;
    demand.set(row.code, (demand.get(row.code) ?? 0) + neededPieces(row));
    if (!isWithin) continue;
    skus.add(row.code);
    if (row.pence > 0) orders.add(row.invoice);
    if (row.pence > 0 && row.quantity < 0) refused.add(row.invoice);
  }
  for (const invoice of refused) orders.delete(invoice);
  for (const [sku, pieces] of demand) if (pieces === 0 || !skus.has(sku)) demand.delete(sku);
  let lastLine = 0;
  for (const invoice of within) lastLine = Math.max(lastLine, lastLines.get(invoice)!);
  return { rows: count, firstDay, lastDay, lastLines, lastLine, orders: orders.size, demand };
}

const neededPieces = (row: RetailRow): number => (row.pence > 0 ? Math.max(0, row.quantity) : Math.max(0, -row.quantity));
