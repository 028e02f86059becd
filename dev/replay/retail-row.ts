import { normalizeCode } from './retail-code.js';

/** The columns of the data set, in its own spelling. */
export const RETAIL_COLUMNS = [
  'InvoiceNo',
  'StockCode',
  'Description',
  'Quantity',
  'InvoiceDate',
  'UnitPrice',
  'CustomerID',
  'Country',
] as const;

/** Why a row makes no sense; stable, ends up in the report. */
export type RowProblem =
  | 'wrong-number-of-fields'
  | 'unknown-invoice-kind'
  | 'no-stock-code'
  | 'bad-quantity'
  | 'bad-date'
  | 'bad-price'
  | 'negative-price'
  | 'price-not-in-pence'
  | 'bad-customer';

export type InvoiceKind = 'sale' | 'reversal' | 'unknown';

/** One row of the file, read but not yet judged together with its invoice. With a `problem` the numbers are not to be used. */
export interface RetailRow {
  /** Line of the file on which the row starts; the header is line 1. */
  readonly line: number;
  readonly invoice: string;
  readonly kind: InvoiceKind;
  /** Trimmed and upper-cased. */
  readonly code: string;
  readonly description: string | null;
  readonly quantity: number;
  /** ISO 8601; the file names no zone and is read as UTC throughout. Empty when the date is the problem. */
  readonly at: string;
  /** Minor units a piece. */
  readonly pence: number;
  /** The price as written, without trailing zeros: what reversals are compared by. */
  readonly price: string;
  readonly customerId: string | null;
  readonly country: string | null;
  readonly problem: RowProblem | null;
}

const DECIMAL = /^(-?)(\d{1,12})(?:\.(\d+))?$/;
const INTEGER = /^-?\d{1,9}$/;
const INSTANT = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})$/;
const CUSTOMER = /^(\d+)(?:\.0)?$/;

/**
 * Pence of a decimal text, exact: the digits are read as they stand, never as a float. Rounding half up cannot come up, because a
 * price that needs rounding (a third decimal) is refused.
 */
export function penceOf(price: string): number | 'bad-price' | 'negative-price' | 'price-not-in-pence' {
  const parts = DECIMAL.exec(price);
  if (!parts) return 'bad-price';
  const fraction = (parts[3] ?? '').replace(/0+$/, '');
  if (fraction.length > 2) return 'price-not-in-pence';
  const pence = Number(parts[2]! + fraction.padEnd(2, '0'));
  return parts[1] === '-' && pence > 0 ? 'negative-price' : pence;
}

/** Milliseconds are left out on purpose: the file has none, and the text is part of what an Idempotency-Key stands for. */
export function instantOf(text: string): string | undefined {
  const parts = INSTANT.exec(text);
  if (!parts) return undefined;
  const iso = `${parts[1]}T${parts[2]}Z`;
  // Date accepts the 31st of February and rolls over; what does not come back as it went in is no date.
  const time = Date.parse(iso);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(iso.slice(0, 19)) ? iso : undefined;
}

export function invoiceKindOf(invoice: string): InvoiceKind {
  if (/^\d+$/.test(invoice)) return 'sale';
  return /^C\d+$/.test(invoice) ? 'reversal' : 'unknown';
}

/** Reads one record whose fields stand in the order of {@link RETAIL_COLUMNS}. Never throws: what is wrong is in `problem`. */
export function readRow(fields: readonly string[], line: number): RetailRow {
  const [
    invoiceText = '',
    codeText = '',
    descriptionText = '',
    quantityText = '',
    dateText = '',
    priceText = '',
    customerText = '',
    countryText = '',
  ] = fields;
  const invoice = invoiceText.trim();
  const kind = invoiceKindOf(invoice);
  const code = normalizeCode(codeText);
  const at = instantOf(dateText.trim());
  const pence = penceOf(priceText.trim());
  const customer = CUSTOMER.exec(customerText.trim());
  const quantity = INTEGER.test(quantityText.trim()) ? Number(quantityText.trim()) : 0;

  let problem: RowProblem | null = null;
  if (fields.length !== RETAIL_COLUMNS.length) problem = 'wrong-number-of-fields';
  else if (kind === 'unknown') problem = 'unknown-invoice-kind';
  else if (code === '') problem = 'no-stock-code';
  else if (quantity === 0) problem = 'bad-quantity';
  else if (at === undefined) problem = 'bad-date';
  else if (typeof pence === 'string') problem = pence;
  else if (customerText.trim() !== '' && !customer) problem = 'bad-customer';

  return {
    line,
    invoice,
    kind,
    code,
    description: descriptionText.trim() || null,
    quantity,
    at: at ?? '',
    pence: typeof pence === 'number' ? pence : 0,
    price: priceText
      .trim()
      .replace(/(\.\d*?)0+$/, '$1')
      .replace(/\.$/, ''),
    customerId: customer?.[1] ?? null,
    country: countryText.trim() || null,
    problem,
  };
}
