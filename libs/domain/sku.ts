import { DomainError } from './domain-error.js';
import { isStorableText } from './text.js';

/** UTF-16 units. */
export const MAX_SKU_LENGTH = 64;

/**
 * The one spelling of a SKU: trimmed, upper case. Stream ids, events and read models hold only this spelling, and it is a fixed
 * point: normalising it again changes nothing.
 * @throws DomainError `sku.invalid` when blank, too long, or not storable as text
 */
export function normalizeSku(raw: string): string {
  const sku = raw.trim().toUpperCase();
  if (sku === '' || sku.length > MAX_SKU_LENGTH || !isStorableText(sku)) {
    throw new DomainError('sku.invalid', `a SKU has 1 to ${MAX_SKU_LENGTH} characters, none of them NUL or a lone surrogate`);
  }
  return sku;
}
