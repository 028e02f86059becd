import { platformProblem } from '#platform';

const INSTANT = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/** ISO 8601 with a zone, or a date alone, which means its midnight in UTC. Undefined when it is neither, or names no real day. */
export function parseInstant(text: unknown): Date | undefined {
  const day = typeof text === 'string' ? INSTANT.exec(text)?.[1] : undefined;
  if (day === undefined || day < '0001') return undefined;
  // Date.parse rolls 30 February over into March instead of refusing it.
  const midnight = Date.parse(day);
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return undefined;
  const time = Date.parse(text as string);
  return Number.isNaN(time) || time < Date.parse('0001-01-01') ? undefined : new Date(time);
}

/** PostgreSQL's pattern of a UTC time as we answer it. */
export const ISO = `'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'`;

/** A half-open range of time; either end may be open. */
export interface TimeRange {
  readonly from?: Date;
  readonly to?: Date;
}

/** @throws ProblemError `validation-failed` when the range ends before it starts. */
export function timeRange(names: readonly [from: string, to: string], from?: Date, to?: Date): TimeRange {
  if (from !== undefined && to !== undefined && from > to) {
    const message = `${names[1]} lies before ${names[0]}`;
    throw platformProblem('validation-failed', `${message}.`, { errors: [{ path: names[1], message }] });
  }
  return { from, to };
}
