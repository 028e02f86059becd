/** Whole, at least `min`, and small enough that every integer below it is exact. Used for pieces and for minor units of money. */
export const isCount = (value: number, min: 0 | 1): boolean =>
  Number.isSafeInteger(value) && value >= min && value < Number.MAX_SAFE_INTEGER;

/** Whether a running total is still exact. Totals only need a ceiling: no rule lets one fall below minus the pieces ever received. */
export const isExactTotal = (value: number): boolean => value < Number.MAX_SAFE_INTEGER;
