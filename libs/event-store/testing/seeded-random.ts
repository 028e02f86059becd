export interface SeededRandom {
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number;
  /** The items in another order. */
  shuffle<T>(items: readonly T[]): T[];
}

/** mulberry32: the same numbers on every run, so that a failing spec fails again. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
  const shuffle = <T>(items: readonly T[]): T[] =>
    items
      .map((item) => ({ item, rank: below(1_000_000) }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ item }) => item);
  return { below, shuffle };
}
