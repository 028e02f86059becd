import { platformProblem, ProblemError, type ProblemCatalogue } from '#platform';
import { InvalidCursorError } from './cursor.js';
import { isLostConnection } from './read-database.js';

/** What this API answers beside the platform's own problems. */
export const QUERY_PROBLEMS = {
  'invalid-cursor': [400, 'The cursor is not usable here'],
  'invalid-consistency-token': [400, 'The consistency token is malformed'],
  'projection-behind': [503, 'The read model has not caught up yet'],
  'query-timeout': [503, 'The query took too long'],
  'order.not-found': [404, 'There is no such order'],
  'stock.not-found': [404, 'There is no stock of this SKU'],
  'customer.not-found': [404, 'There is no such customer'],
  'product.not-found': [404, 'There is no such product'],
  'fulfilment.not-found': [404, 'There is no such fulfilment'],
  'stream.not-found': [404, 'There is no such stream'],
  'stream.version-not-found': [404, 'The stream has no such version'],
  'command.not-found': [404, 'There is no such command'],
  'correlation.not-found': [404, 'Nothing is known under this correlation id'],
} as const satisfies ProblemCatalogue;

export type QueryProblemCode = keyof typeof QUERY_PROBLEMS;

export function queryProblem(
  code: QueryProblemCode,
  detail: string,
  extra: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): ProblemError {
  const [status, title] = QUERY_PROBLEMS[code];
  return new ProblemError(status, code, title, detail, extra, headers);
}

/** PostgreSQL's `statement_timeout` struck. */
const QUERY_CANCELED = '57014';

export const databaseAway = (): ProblemError =>
  platformProblem('unavailable', 'The database is away; try again in a moment.', {}, { 'Retry-After': '1' });

/** This app's errors as problems; undefined leaves the error to the platform. */
export function mapQueryError(error: unknown): ProblemError | undefined {
  if (error instanceof InvalidCursorError) return queryProblem('invalid-cursor', error.message);
  if ((error as { code?: unknown } | undefined)?.code === QUERY_CANCELED) {
    return queryProblem('query-timeout', 'Ask for less: a shorter range or fewer rows.', {}, { 'Retry-After': '5' });
  }
  if (isLostConnection(error)) return databaseAway();
  return undefined;
}
