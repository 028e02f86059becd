import { upcasters } from '#domain';
import { EventReader, EventStore, GroupCommit, Upcasters, type CommittedBatch } from '#event-store';
import { OutboxNotifier } from '#outbox';
import { createMetrics, createPool, startHttpApp, type HealthCheck, type Logger, type RunningApp } from '#platform';
import type { Pool } from 'pg';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { aggregatesOn } from './aggregates.js';
import type { CommandApiConfig } from './command-api.config.js';
import { CommandApiModule } from './command-api.module.js';

export interface CommandApiOptions {
  readonly config: CommandApiConfig;
  readonly logger: Logger;
  /** False where a test owns the process. Default true. */
  readonly handleSignals?: boolean;
}

/**
 * The command API, wired: one pool, one group commit for all aggregates, and a wake-up for the relay after each commit.
 * Shuts down in this order: no new requests, those in flight answered, queued appends committed, connections ended.
 */
export async function startCommandApi({ config, logger, handleSignals = true }: CommandApiOptions): Promise<RunningApp> {
  const app = 'command-api';
  const metrics = createMetrics(app);
  const pool = createPool({ databaseUrl: config.DATABASE_URL, max: config.DATABASE_POOL_SIZE, app, logger });
  const store = new EventStore({ pool });
  const reader = new EventReader({ pool, upcasters: new Upcasters(upcasters) });
  const notifier = new OutboxNotifier({ pool, logger });
  const count = countCommits(metrics);
  const groupCommit = new GroupCommit({
    store,
    maxQueued: config.MAX_COMMANDS_IN_FLIGHT,
    onCommitted: (batch) => {
      notifier.notify();
      count(batch);
    },
  });
  measureQueue(metrics, groupCommit);
  const aggregates = aggregatesOn({
    pool,
    store,
    reader,
    groupCommit,
    onCommitted: () => notifier.notify(),
    maxRunning: config.MAX_COMMANDS_IN_FLIGHT,
  });
  return await startHttpApp(CommandApiModule.register(aggregates), {
    name: app,
    description: DESCRIPTION,
    version: '1.0.0',
    logger,
    metrics,
    port: config.PORT,
    host: config.HOST,
    drainMs: config.SHUTDOWN_DRAIN_MS,
    failpoints: config.FAILPOINTS,
    handleSignals,
    checks: [databaseCheck(pool)],
    close: [
      { name: 'group-commit', run: () => groupCommit.close() },
      { name: 'pool', run: () => pool.end() },
    ],
  });
}

/** The database answers and has what appending needs; before the migrations ran this app can serve nobody. */
function databaseCheck(pool: Pool): HealthCheck {
  return {
    name: 'database',
    check: async () => {
      const { rows } = await pool.query<{ migrated: boolean }>(`SELECT to_regproc('tidemark.append') IS NOT NULL AS migrated`);
      if (rows[0]?.migrated !== true) throw new Error('the migrations have not run');
      return { connections: pool.totalCount, waiting: pool.waitingCount };
    },
  };
}

function countCommits(metrics: Registry): (batch: CommittedBatch) => void {
  const registers = [metrics];
  const events = new Counter({ name: 'tidemark_events_appended_total', help: 'Events committed.', registers });
  const requests = new Histogram({
    name: 'tidemark_commit_requests',
    help: 'Commands that shared a commit.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200],
    registers,
  });
  const seconds = new Histogram({
    name: 'tidemark_commit_duration_seconds',
    help: 'One append round trip.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2],
    registers,
  });
  return (batch) => {
    events.inc(batch.events);
    requests.observe(batch.requests);
    seconds.observe(batch.durationMs / 1_000);
  };
}

function measureQueue(metrics: Registry, groupCommit: GroupCommit): void {
  const gauge: Gauge = new Gauge({
    name: 'tidemark_commit_queue',
    help: 'Commands that wait for a connection.',
    registers: [metrics],
    collect: () => gauge.set(groupCommit.queued),
  });
}

const DESCRIPTION = [
  'Commands to orders and stock. Every POST needs an `Idempotency-Key`; repeat it with the same key whenever the outcome is unknown.',
  'An answer, also a refusal by a business rule, is kept under its key and given again to every repeat, byte for byte. Not kept are',
  'answers to what was never carried out: 400, 412, 413, 415, 422, 429, 503, and 409 `command-running` and `concurrent-change`.',
  'Commands to one order or SKU wait for each other; when too many wait for one, more are answered 429. 503 is overload as a whole.',
  'Errors are problem details (RFC 9457) with a stable `code`. Another method than documented is answered 405 with `Allow`.',
].join(' ');
