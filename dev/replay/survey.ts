import { isGoods } from './retail-code.js';
import type { RetailRow } from './retail-row.js';

/** What must be known of the whole file before the first order of it is placed. */
export interface Survey {
  readonly rows: number;
  /**
   * Where each invoice ends, so that it is complete when it is mapped: the rows of an invoice need not stand together
   * (542806 has another's rows in between).
   */
  readonly lastLines: ReadonlyMap<string, number>;
  /** Pieces each SKU needs for every sale and write-off of the file at once: with so many in stock nothing is ever short. */
  readonly demand: ReadonlyMap<string, number>;
}

/** One pass in memory proportional to the number of invoices and SKUs. */
export async function survey(rows: AsyncIterable<RetailRow>): Promise<Survey> {
  let count = 0;
  const lastLines = new Map<string, number>();
  const demand = new Map<string, number>();
  for await (const row of rows) {
    count += 1;
    lastLines.set(row.invoice, row.line);
    if (row.problem !== null || row.kind !== 'sale' || !isGoods(row.code)) continue;
    const pieces = neededPieces(row);
    if (pieces > 0) demand.set(row.code, (demand.get(row.code) ?? 0) + pieces);
  }
  return { rows: count, lastLines, demand };
}

function neededPieces(row: RetailRow): number {
  if (row.pence > 0) return row.quantity;
  return -row.quantity;
}
