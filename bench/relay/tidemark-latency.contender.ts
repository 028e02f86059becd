import { EventStore, GroupCommit, type AppendRequest } from '#event-store';
import { OutboxNotifier } from '#outbox';
import { createLogger } from '#platform';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { spawnApp, waitForApp, type AppEnvironment } from '../../dev/apps.js';
import { freePorts } from '../../dev/ports.js';
import { DATA, OCCURRED_AT, TYPE } from '../append/append-load.js';
import type { Contender } from '../harness/contender.js';
import { LatencyMeter, type LatencyLoad } from './latency-meter.js';
import type { Place } from './published.js';

/** Appends as command-api does; the relay is the app itself, in a process of its own. */
export async function open(settings: Place): Promise<Contender<LatencyLoad>> {
  const { databaseUrl } = settings;
  const logger = createLogger({ app: 'bench', level: 'warn' });
  const relay = await startRelay(settings);
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 });
  const notifier = new OutboxNotifier({ pool, logger });
  const commits = new GroupCommit({ store: new EventStore({ pool }), onCommitted: () => notifier.notify() });
  const meter = await LatencyMeter.open(settings, 'ce_id');
  const commit = async (id: string): Promise<number> => {
    const { outcome } = await commits.append(appending(id));
    if (outcome !== 'appended') throw new Error(`unexpected verdict ${outcome}`);
    return performance.now();
  };
  return {
    round: (load) => meter.measure(load, commit),
    close: async () => {
      await meter.close();
      await commits.close();
      await notifier.close();
      await pool.end();
      await relay.stop();
    },
  };
}

function appending(id: string): AppendRequest {
  const event = { id, type: TYPE, schemaVersion: 1, data: DATA, occurredAt: OCCURRED_AT };
  return {
    writes: [{ streamId: `stock-${id}`, expectedVersion: 0, events: [event] }],
    metadata: { correlationId: id, causationId: id, actor: 'bench', commandId: null, traceparent: null },
  };
}

async function startRelay({ databaseUrl, broker, topicPrefix }: Place): Promise<{ stop(): Promise<void> }> {
  const [port = 0] = await freePorts(1);
  const logDir = mkdtempSync(join(tmpdir(), 'tidemark-relay-'));
  const environment: AppEnvironment = {
    databaseUrl,
    kafkaBrokers: [broker],
    topicPrefix,
    gatewayBook: '',
    ports: { gateway: 0, relay: port, orchestrator: 0, projector: 0, 'query-api': 0, 'command-api': 0 },
    host: '127.0.0.1',
    logDir,
    logLevel: 'warn',
  };
  const relay = await spawnApp('relay', environment);
  const stop = async (): Promise<void> => {
    await relay.stop();
    rmSync(logDir, { recursive: true, force: true });
  };
  await waitForApp('relay', relay, environment).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { stop };
}
