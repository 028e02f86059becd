/**
 * Group commit against a transaction for each command, on the same tables of a PostgreSQL with production settings. The contenders take
 * turns, round by round, so that both meet the same machine; what is printed is the median round of each and their ratio.
 *
 *     node dist/bench/append.bench.js [seconds a round] [rounds]
 *
 * DATABASE_URL: measure an existing, migrated, empty database instead.
 */
import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventStore, GroupCommit, type AppendRequest } from '#event-store';
import pg from 'pg';
import { DURABLE_SETTINGS, removeCluster, startPostgres } from '../dev/embedded-postgres.js';
import { freePorts } from '../dev/ports.js';
import { migrate } from '../migrations/migrate.js';
import { NaiveAppender } from './naive-appender.js';

const SECONDS = Number(process.argv[2] ?? 3);
const ROUNDS = Number(process.argv[3] ?? 3);
const CONNECTIONS = 8;

interface Shape {
  readonly name: string;
  readonly streams: number;
  readonly eventsPerStream: number;
  /** Callers that wait for their answer before they send the next. */
  readonly callers: number;
}

const SHAPES: readonly Shape[] = [
  { name: 'one caller, 1 event', streams: 1, eventsPerStream: 1, callers: 1 },
  { name: '64 callers, 1 event', streams: 1, eventsPerStream: 1, callers: 64 },
  { name: '64 callers, 25 streams each', streams: 25, eventsPerStream: 1, callers: 64 },
  { name: '4 callers, 1,112 streams each', streams: 1_112, eventsPerStream: 1, callers: 4 },
];

interface Round {
  readonly requestsPerSecond: number;
  readonly eventsPerSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** About what an event of an order holds. */
const DATA = { sku: '85123A', orderId: '573585', quantity: 6, unitPrice: 255, description: 'WHITE HANGING HEART T-LIGHT HOLDER' };

function requestOf({ streams, eventsPerStream }: Shape): AppendRequest {
  const id = randomUUID();
  const event = () => ({ id: randomUUID(), type: 'StockReserved', schemaVersion: 1, data: DATA, occurredAt: '2010-12-01T08:26:00.000Z' });
  return {
    writes: Array.from({ length: streams }, () => ({
      streamId: `stock-${randomUUID()}`,
      expectedVersion: 0,
      events: Array.from({ length: eventsPerStream }, event),
    })),
    metadata: { correlationId: id, causationId: id, actor: 'bench', commandId: id, traceparent: null },
    command: { id, name: 'Bench', idempotencyKey: id, fingerprint: 'fp', answer: { status: 201, headers: { etag: '"1"' }, body: { id } } },
  };
}

async function measure(shape: Shape, append: (request: AppendRequest) => Promise<unknown>): Promise<Round> {
  const times: number[] = [];
  const startedAt = performance.now();
  const endsAt = startedAt + SECONDS * 1_000;
  const caller = async (): Promise<void> => {
    while (performance.now() < endsAt) {
      const request = requestOf(shape);
      const sentAt = performance.now();
      await append(request);
      times.push(performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: shape.callers }, caller));
  const seconds = (performance.now() - startedAt) / 1_000;
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  const requestsPerSecond = times.length / seconds;
  return { requestsPerSecond, eventsPerSecond: requestsPerSecond * shape.streams * shape.eventsPerStream, p50: at(0.5), p99: at(0.99) };
}

const median = (rounds: readonly Round[]): Round =>
  [...rounds].sort((a, b) => a.eventsPerSecond - b.eventsPerSecond)[rounds.length >> 1] as Round;

async function compare(databaseUrl: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: CONNECTIONS });
  // The pool ends before its connections have: the server may end them first.
  pool.on('connect', (client) => client.on('error', () => undefined));
  pool.on('error', () => undefined);
  const commits = new GroupCommit({ store: new EventStore({ pool }) });
  const naive = new NaiveAppender(pool);
  const ours = async (request: AppendRequest): Promise<void> => {
    const { outcome } = await commits.append(request);
    if (outcome !== 'appended') throw new Error(`unexpected verdict ${outcome}`);
  };
  const theirs = (request: AppendRequest): Promise<void> => naive.append(request);

  for (const append of [ours, theirs]) await append(requestOf({ name: 'warm-up', streams: 50, eventsPerStream: 1, callers: 1 }));
  const table: Record<string, Record<string, string | number>> = {};
  for (const shape of SHAPES) {
    const rounds: [Round[], Round[]] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      rounds[0].push(await measure(shape, ours));
      rounds[1].push(await measure(shape, theirs));
      await pool.query('TRUNCATE tidemark.outbox');
    }
    const [group, one] = rounds.map(median) as [Round, Round];
    const row = ({ requestsPerSecond, eventsPerSecond, p50, p99 }: Round) => ({
      'requests/s': Math.round(requestsPerSecond),
      'events/s': Math.round(eventsPerSecond),
      'p50 ms': Number(p50.toFixed(1)),
      'p99 ms': Number(p99.toFixed(1)),
    });
    table[`${shape.name}: group commit`] = { ...row(group), ratio: `${(group.eventsPerSecond / one.eventsPerSecond).toFixed(1)} x` };
    table[`${shape.name}: one by one`] = { ...row(one), ratio: '1 x' };
  }
  console.table(table);
  await commits.close();
  await pool.end();
}

if (process.env.DATABASE_URL) {
  await compare(process.env.DATABASE_URL);
} else {
  const scratch = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
  chmodSync(scratch, 0o755);
  const [port = 0] = await freePorts(1);
  const postgres = await startPostgres({
    dataDir: join(scratch, 'pgdata'),
    port,
    logFile: join(scratch, 'log'),
    settings: DURABLE_SETTINGS,
  });
  try {
    await migrate({ databaseUrl: postgres.urlOf('postgres') });
    await compare(postgres.urlOf('postgres'));
  } finally {
    await postgres.stop();
    removeCluster(join(scratch, 'pgdata'));
    rmSync(scratch, { recursive: true, force: true });
  }
}
