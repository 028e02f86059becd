/** A backlog of placed orders, to be reserved, charged and confirmed. */
export interface SagaLoad {
  readonly orders: number;
  /** Of each order; each of another SKU. */
  readonly lines: number;
  /** The first so many of {@link SKUS} are ordered. */
  readonly skus: number;
}

export interface SagaSettings {
  readonly databaseUrl: string;
  readonly gatewayUrl: string;
}

/** About as many as a shop of gifts sells in a year. */
export const SKUS = 4_000;
/** Of each SKU: nothing runs out. */
export const ON_HAND = 1_000_000_000;
export const PIECES = 6;
/** Minor units a piece. */
export const UNIT_PRICE = 255;
export const CURRENCY = 'GBP';
/** The gateway simulator answers it at once. */
export const PAYMENT_TOKEN = 'tok_ok';

export const skuOf = (index: number): string => `SKU-${String(index).padStart(4, '0')}`;

/** Different SKUs, spread over all of them, the same for every contender. */
export function linesOf(order: number, { lines, skus }: SagaLoad): { sku: string; quantity: number }[] {
  return Array.from({ length: lines }, (_, line) => ({ sku: skuOf((order * 7_919 + line * 149) % skus), quantity: PIECES }));
}
