import { setTimeout as sleep } from 'node:timers/promises';
import { upcasters } from '#domain';
import { EventReader, Upcasters } from '#event-store/read';
import { createPool, isTransientDatabaseError, startHttpApp, type Logger, type RunningApp } from '#platform';
import { TypeORMError, type DataSource } from 'typeorm';
import { queryApiChecks } from './query-api.checks.js';
import type { QueryApiConfig } from './query-api.config.js';
import { QueryApiModule } from './query-api.module.js';
import { appliedVersions } from './reading/applied-versions.js';
import { ProjectionLag } from './reading/projection-lag.js';
import { ProjectionWaiter } from './reading/projection-waiter.js';
import { databaseAway, mapQueryError } from './reading/query-problems.js';
import { ReadAnswers } from './reading/read-answers.js';
import { readDataSource } from './reading/read-database.js';
import { ReadStatements } from './reading/read-statements.js';

export interface StartOptions {
  /** Default true; false where a test owns the process. */
  readonly handleSignals?: boolean;
}

/** Milliseconds between two looks for those who follow an order. */
const LIVE_POLL_MS = 100;
/** Live answers at once. */
const MAX_LIVE = 500;

/** The query side: read models, and the audit of the event store. Reads only. */
export async function startQueryApi(config: QueryApiConfig, logger: Logger, { handleSignals }: StartOptions = {}): Promise<RunningApp> {
  const { DATABASE_URL: databaseUrl, QUERY_POOL_SIZE: poolSize, QUERY_TIMEOUT_MS: statementTimeoutMs } = config;
  const pool = createPool({ databaseUrl, max: Math.max(2, Math.ceil(poolSize / 2)), app: 'query-api', logger });
  const dataSource = readDataSource({ databaseUrl, poolSize, statementTimeoutMs, logger });
  const reader = new EventReader({ pool, upcasters: new Upcasters(upcasters) });
  const statements = new ReadStatements(dataSource);
  const versions = appliedVersions(statements, reader);
  const waiter = new ProjectionWaiter({ versions });
  const liveWaiter = new ProjectionWaiter({ versions, pollMs: LIVE_POLL_MS, maxWaiting: MAX_LIVE });
  const lag = new ProjectionLag({ pool });
  const stopping = new AbortController();
  return startHttpApp(QueryApiModule.of({ dataSource, statements, reader, waiter, liveWaiter, lag }), {
    name: 'query-api',
    description: 'Reads of orders, stock, customers, products, fulfilments and figures; audit of every stream.',
    version: '1.0.0',
    port: config.PORT,
    host: config.HOST,
    drainMs: config.SHUTDOWN_DRAIN_MS,
    failpoints: config.FAILPOINTS,
    logger,
    answerer: ReadAnswers,
    checks: queryApiChecks({ dataSource, pool, lag }),
    // Before it was connected TypeORM does not know our entities.
    problems: (error) => (error instanceof TypeORMError && !dataSource.isInitialized ? databaseAway() : mapQueryError(error)),
    handleSignals,
    // Whoever still waits is answered, and live answers end, before the server closes.
    start: () => connected(dataSource, stopping.signal),
    stop: [
      { name: 'connecting', run: () => stopping.abort() },
      { name: 'waiters', run: () => [waiter, liveWaiter].forEach((each) => each.close()) },
    ],
    close: [
      { name: 'read models', run: () => (dataSource.isInitialized ? dataSource.destroy() : undefined) },
      { name: 'event store', run: () => pool.end() },
    ],
  });
}

/** Milliseconds between two tries. */
const CONNECT_PAUSE_MS = 500;

/**
 * The database may come later than this process: HTTP listens meanwhile and readiness says what is missing. Returns when it is there, or
 * when the process is to stop.
 */
async function connected(dataSource: DataSource, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted) {
    try {
      await dataSource.initialize();
      return;
    } catch (error) {
      if (!isTransientDatabaseError(error)) throw error;
      await sleep(CONNECT_PAUSE_MS, undefined, { signal: stopping }).catch(() => undefined);
    }
  }
}
