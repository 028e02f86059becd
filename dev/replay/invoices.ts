import { mapInvoice, type MappedInvoice } from './invoice-mapping.js';
import type { RetailRow } from './retail-row.js';
import type { Survey } from './survey.js';

/**
 * Rows gathered into invoices; each comes out at its last row, in about time order. Reading stops at the last line of interest.
 * Both are what a {@link Survey} of the same rows has found.
 */
export async function* invoices(
  rows: AsyncIterable<RetailRow>,
  { lastLines, lastLine }: Pick<Survey, 'lastLines' | 'lastLine'>,
): AsyncGenerator<MappedInvoice> {
  const open = new Map<string, RetailRow[]>();
  for await (const row of rows) {
    if (row.line > lastLine) return;
    const gathered = open.get(row.invoice) ?? [];
    gathered.push(row);
    if (row.line < lastLines.get(row.invoice)!) {
      open.set(row.invoice, gathered);
      continue;
    }
    open.delete(row.invoice);
    yield mapInvoice(gathered);
  }
}
