/** What is shown instead of a payment token. */
export const MASK = '***';

/**
 * A copy without payment tokens, wherever they are: whoever holds one can charge with it. Names and addresses stay: an auditor may
 * see whose order it was.
 */
export function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, key === 'paymentToken' && item !== null ? MASK : masked(item)]),
  );
}
