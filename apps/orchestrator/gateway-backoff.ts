/** Milliseconds to wait before the nth attempt of a step. */
export const backoffMs = (attempt: number): number => (attempt <= 1 ? 0 : Math.min(200 * 2 ** (attempt - 2), LONGEST_BACKOFF_MS));

export const LONGEST_BACKOFF_MS = 30_000;

/**
 * A longer wait is a timer in the database: it goes on when the process dies, and whoever takes it over does not begin it anew. The poll
 * for what is due is no finer than this.
 */
export const LONGEST_WAIT_IN_MEMORY_MS = 1_000;
