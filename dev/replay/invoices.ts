import { mapInvoice, type MappedInvoice } from './invoice-mapping.js';
import type { RetailRow } from './retail-row.js';

/** Rows gathered into invoices; each comes out at its last row, which {@link Survey.lastLines} knows, in about time order. */
export async function* invoices(rows: AsyncIterable<RetailRow>, lastLines: ReadonlyMap<string, number>): AsyncGenerator<MappedInvoice> {
  const open = new Map<string, RetailRow[]>();
  for await (const row of rows) {
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
