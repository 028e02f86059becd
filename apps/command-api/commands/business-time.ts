const FORM = /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/;

/** Clocks of clients may run ahead of ours, but not by more than this. Milliseconds. */
const MAX_AHEAD_MS = 24 * 60 * 60 * 1_000;

/** What a client may give as the time something happened, in words. */
export const BUSINESS_TIME = 'an ISO 8601 date and time with Z or an offset, from 1970 to one day ahead of now';

/**
 * Reads a client's business time; undefined unless it is {@link BUSINESS_TIME}. Stricter than Date, which takes local times for granted
 * and turns 30 February into March.
 */
export function parseBusinessTime(text: string, now: number = Date.now()): Date | undefined {
  const [, year, month, day] = FORM.exec(text) ?? [];
  if (day === undefined || Number(day) < 1 || Number(day) > daysIn(Number(year), Number(month))) return undefined;
  const time = new Date(text);
  return time.getTime() >= 0 && time.getTime() <= now + MAX_AHEAD_MS ? time : undefined;
}

const daysIn = (year: number, month: number): number => (month >= 1 && month <= 12 ? new Date(Date.UTC(year, month, 0)).getUTCDate() : 0);
