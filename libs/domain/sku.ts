import { DomainError } from './domain-error.js';

/** UTF-16 units. */
export const MAX_SKU_LENGTH = 64;

/**
 * What a SKU may not hold: control and format characters, line and paragraph separators, lone surrogates. They cannot be seen, so two
 * SKUs that look the same would be different goods; and streams, tokens and addresses carry a SKU through places that mangle them.
 */
const UNPRINTABLE = '\\p{Cc}\\p{Cf}\\p{Cs}\\p{Zl}\\p{Zp}';
const PRINTABLE = new RegExp(`^[^${UNPRINTABLE}]+$`, 'u');

/** A SKU as clients may write it, for whoever documents it: a regular expression with the u flag. Without lookahead: many readers have none. */
export const SKU_PATTERN = `^\\s*[^\\s${UNPRINTABLE}](?:[^${UNPRINTABLE}]*[^\\s${UNPRINTABLE}])?\\s*$`;

/**
 * The one spelling of a SKU: trimmed, upper case. Stream ids, events and read models hold only this spelling, and it is a fixed
 * point: normalising it again changes nothing.
 * @throws DomainError `sku.invalid` when blank, too long, or with characters that cannot be printed
 */
export function normalizeSku(raw: string): string {
  const sku = raw.trim().toUpperCase();
  if (sku.length > MAX_SKU_LENGTH || !PRINTABLE.test(sku)) {
    throw new DomainError('sku.invalid', `a SKU has 1 to ${MAX_SKU_LENGTH} characters, all of them printable`);
  }
  return sku;
}
