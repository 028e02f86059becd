import type { Duplex } from 'node:stream';
import pg from 'pg';
import type { Logger } from 'pino';

export interface PoolOptions {
  readonly databaseUrl: string;
  /** Most connections at once. */
  readonly max: number;
  /** Shown in pg_stat_activity as `tidemark-<app>`. */
  readonly app: string;
  readonly logger: Logger;
  /** How long a caller waits for a free or new connection, milliseconds. Default 5000. */
  readonly connectTimeoutMs?: number;
  /** How long a statement may be without an answer, milliseconds. Default 30,000. */
  readonly queryTimeoutMs?: number;
  /** Statements leave without waiting for the answers to those before them: for who sends several at once. Default false. */
  readonly pipeline?: boolean;
  /** In place of pg's own; for simulations, whose servers live in memory. */
  readonly Client?: typeof pg.Client;
}

/** A side that is gone without a word is found while a connection is idle: asked by the kernel after so long, which otherwise waits 2 h. */
export const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelayMillis: 5_000 } as const;

/**
 * A client that cuts its connection when a statement had no answer within `query_timeout`. pg only fails the statement, and lets
 * whatever the holder asks next (its ROLLBACK first of all) wait behind it.
 *
 * One timer watches all statements of a connection. pg has one for each, and with it a busy query-api's young generation kept 2.2 MB of
 * every 13 MB at a collection; without, 0.1 MB.
 */
export class ImpatientClient extends pg.Client {
  /** Milliseconds; 0 waits for ever. */
  readonly #patience: number;
  #askedAt: number | undefined;
  #watch: NodeJS.Timeout | undefined;

  constructor(config?: string | pg.ClientConfig) {
    super(config);
    const { connectionParameters } = this as unknown as { connectionParameters: { query_timeout: number | false | undefined } };
    this.#patience = connectionParameters.query_timeout || 0;
    connectionParameters.query_timeout = 0;
    // Whoever holds it learns from the statement that failed, and from the next.
    this.on('error', () => undefined);
    // Nothing is asked any more.
    this.on('drain', () => (this.#askedAt = undefined));
    this.once('end', () => clearTimeout(this.#watch));
  }

  // oxlint-disable-next-line typescript/no-explicit-any
  override query(...args: unknown[]): any {
    const asked = (super.query as (...args: unknown[]) => unknown).apply(this, args);
    if (this.#patience > 0) {
      this.#askedAt = performance.now();
      this.#watch ??= this.#lookAfter(this.#patience);
    }
    return asked;
  }

  #lookAfter(ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      this.#watch = undefined;
      if (this.#askedAt === undefined) return;
      const left = this.#askedAt + this.#patience - performance.now();
      if (left > 0) this.#watch = this.#lookAfter(left);
      else this.#cut(new Error('Query read timeout'));
    }, ms).unref();
  }

  #cut(error: Error): void {
    const { connection } = this as unknown as { readonly connection: { readonly stream: Duplex } };
    connection.stream.destroy(error);
  }
}

/** Object ids of the types read differently from pg's defaults. */
const INT8 = 20;
const TIMESTAMPTZ = 1184;
const DATE = 1082;

/**
 * A pg pool of our own:
 * - `int8` reads as a number (and throws beyond the safe integers instead of rounding), `timestamptz` as an ISO 8601 UTC string in
 *   milliseconds, `date` as `YYYY-MM-DD`. Parsers belong to this pool: pg's process-wide ones are not touched.
 * - Sessions run in UTC.
 * - A connection that dies while idle is logged (`database.connection.lost`) and replaced; one that dies while it is held, between two
 *   statements, fails the holder's next statement. Neither ends the process.
 * - A connection that stays open and answers nothing (its other side is gone without a word) is given up, see ImpatientClient.
 * Whoever creates it ends it (`pool.end()`).
 */
export function createPool(options: PoolOptions): pg.Pool {
  const { databaseUrl, max, app, logger, connectTimeoutMs = 5_000, queryTimeoutMs = 30_000, pipeline = false } = options;
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max,
    application_name: `tidemark-${app}`,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: 60_000,
    query_timeout: queryTimeoutMs,
    ...KEEP_ALIVE,
    Client: options.Client ?? ImpatientClient,
    pipeline,
    options: '-c timezone=UTC',
    types: rowTypes,
  });
  pool.on('error', (err) => logger.warn({ event: 'database.connection.lost', err: withoutClient(err) }));
  // The pool listens to idle clients only: one that dies in someone's hands, between two statements, would end the process. Its holder
  // learns of it from the next statement.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** The pool hangs the whole client on it, with all its statements: nothing for a log. */
export function withoutClient(error: unknown): unknown {
  if (error instanceof Error && 'client' in error) delete error.client;
  return error;
}

function typeParser(oid: number, format: 'text' | 'binary' = 'text'): unknown {
  if (format === 'text') {
    if (oid === INT8) return safeInteger;
    if (oid === TIMESTAMPTZ) return isoTime;
    if (oid === DATE) return String;
  }
  return pg.types.getTypeParser(oid, format as 'text');
}

/** How a pool of ours reads rows, for single statements of another's. */
export const rowTypes: pg.CustomTypesConfig = { getTypeParser: typeParser as typeof pg.types.getTypeParser };

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`a bigint from the database is beyond the safe integers: ${text}`);
  return value;
}

const SPACE = 0x20;

/**
 * What a session in UTC says of a time in our era is taken apart where it lies: `2010-12-01 08:26:00.25+00`. Through a Date it took 0.5 µs,
 * and a page of 50 orders has a hundred.
 */
function isoTime(text: string): string {
  if (text.charCodeAt(10) === SPACE && text.endsWith('+00')) {
    return `${text.slice(0, 10)}T${text.slice(11, 19)}.${text.slice(20, -3).padEnd(3, '0').slice(0, 3)}Z`;
  }
  const time = new Date(text);
  // infinity and -infinity have no ISO form
  return Number.isNaN(time.getTime()) ? text : time.toISOString();
}
