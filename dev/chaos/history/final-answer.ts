import type { Answered } from './history-record.js';

/** A conflict that goes away by itself: nothing was decided. */
const PASSING_CONFLICTS = new Set(['command-running', 'concurrent-change']);

/**
 * Whether an answer settles a command: accepted, or refused for good. 429, 503 and every other 5xx do not (the command may even have
 * been carried out), nor do conflicts that pass: the client asks again with the same key.
 */
export function isFinal({ status, code }: Pick<Answered, 'status' | 'code'>): boolean {
  if (status >= 500 || status === 429 || status === 408) return false;
  return !(status === 409 && code !== undefined && PASSING_CONFLICTS.has(code));
}

export const isAccepted = ({ status }: Pick<Answered, 'status'>): boolean => status >= 200 && status < 300;
