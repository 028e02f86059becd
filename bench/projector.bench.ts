/**
 * How many events a second the projector's live path takes, and a rebuild: no Kafka, no Nest, a PostgreSQL with production settings.
 * The trade has the shape of the real one: 26.6 lines an order over 4,000 SKUs, a few of which are in every tenth order.
 *
 *     node dist/bench/projector.bench.js [orders]
 */
import 'reflect-metadata';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StockEvent, StreamCategory } from '#domain';
import { createLogger, createPool } from '#platform';
import { projectionsOf, type ProjectionName } from '#read-models';
import { rebuildBeside, type ProjectedEvent } from '#read-models/write';
import { LiveProjections } from '../apps/projector/live-projections.js';
import { ProjectionLane } from '../apps/projector/projection-lane.js';
import { DURABLE_SETTINGS, removeCluster, startPostgres } from '../dev/embedded-postgres.js';
import { freePorts } from '../dev/ports.js';
import { confirmed, fulfilmentStream, orderStream, placed, stockStream } from '../libs/read-models/testing/events.js';
import { MemoryEventSource } from '../libs/read-models/testing/memory-event-source.js';
import { migrationDataSource } from '../migrations/data-source.js';

const ORDERS = Number(process.argv[2] ?? 3_000);
const LINES = 26;
const SKUS = 4_000;
const PARTITIONS = 12;
const BATCH = 1_000;

/** A small generator with a fixed seed: every run has the same trade. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function trade(): Record<'order' | 'stock' | 'fulfilment', ProjectedEvent[]> {
  const next = random(20_101_201);
  const versions = new Map<string, number>();
  const events: Record<'order' | 'stock' | 'fulfilment', ProjectedEvent[]> = { order: [], stock: [], fulfilment: [] };
  const stock = (sku: string, type: 'StockReceived' | 'StockReserved' | 'StockShipped', quantity: number, orderId: string): void => {
    const version = versions.get(sku) ?? 0;
    versions.set(sku, version + 1);
    events.stock.push(...stockStream(sku, [{ type, data: { sku, orderId, quantity, reference: null } } as StockEvent], version));
  };
  for (let n = 0; n < SKUS; n += 1) stock(`SKU${n}`, 'StockReceived', 1_000_000, '');
  for (let n = 0; n < ORDERS; n += 1) {
    const orderId = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
    const skus = Array.from({ length: LINES }, () => `SKU${Math.floor(SKUS * next() ** 2.5)}`);
    const lines = skus.map((sku) => [sku, 1 + Math.floor(12 * next()), 250, 'WHITE HANGING HEART T-LIGHT HOLDER'] as const);
    const customerId = String(12_000 + Math.floor(4_372 * next()));
    events.order.push(...orderStream(orderId, [placed(orderId, { customerId, lines }), confirmed(orderId)]));
    for (const type of ['StockReserved', 'StockShipped'] as const) for (const sku of new Set(skus)) stock(sku, type, 1, orderId);
    const step = { orderId, step: 'reserve', attempt: 1, undo: null, gatewayId: null } as const;
    events.fulfilment.push(
      ...fulfilmentStream(orderId, [
        { type: 'FulfilmentStarted', data: { orderId, items: [], amount: 1, currency: 'GBP', paymentToken: 'tok_ok' } },
        ...Array.from({ length: 4 }, () => [
          { type: 'FulfilmentStepDispatched' as const, data: step },
          { type: 'FulfilmentStepCompleted' as const, data: step },
        ]).flat(),
        { type: 'FulfilmentCompleted', data: { orderId, outcome: 'confirmed' } },
      ]),
    );
  }
  return events;
}

/** As twelve partitions would deliver them: a batch of each under way at a time. */
async function deliver(lane: ProjectionLane, events: readonly ProjectedEvent[]): Promise<void> {
  const partitions = Array.from({ length: PARTITIONS }, (): ProjectedEvent[] => []);
  for (const event of events)
    partitions[[...event.streamId].reduce((hash, char) => hash + char.charCodeAt(0), 0) % PARTITIONS]!.push(event);
  await Promise.all(
    partitions.map(async (partition) => {
      for (let from = 0; from < partition.length; from += BATCH) await lane.apply(partition.slice(from, from + BATCH));
    }),
  );
}

async function timed(what: string, count: number, work: () => Promise<unknown>): Promise<void> {
  const [startedAt, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const own = (user + system) / 1e6 / seconds;
  const rate = Math.round(count / seconds).toLocaleString('en');
  process.stdout.write(
    `${what.padEnd(28)}${String(count).padStart(9)} events ${seconds.toFixed(2).padStart(7)} s ${rate.padStart(9)}/s, own CPU ${Math.round(own * 100)} %\n`,
  );
}

const scratch = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
chmodSync(scratch, 0o755);
const [port = 0] = await freePorts(1);
const postgres = await startPostgres({
  dataDir: join(scratch, 'pgdata'),
  port,
  logFile: join(scratch, 'postgres.log'),
  settings: DURABLE_SETTINGS,
});
try {
  const databaseUrl = postgres.urlOf('postgres');
  const migrations = await migrationDataSource(databaseUrl).initialize();
  await migrations.runMigrations();
  await migrations.destroy();
  const logger = createLogger({ app: 'bench', level: 'error' });
  const pool = createPool({ databaseUrl, max: 4, app: 'bench', logger });
  const events = trade();
  const lanes = (['order', 'stock', 'fulfilment'] as const).map(
    (category: StreamCategory) =>
      [
        category,
        new ProjectionLane({ live: new LiveProjections({ pool, projections: projectionsOf(category), logger }), logger }),
      ] as const,
  );
  const all = Object.values(events).reduce((sum, each) => sum + each.length, 0);
  const half = (category: StreamCategory, from: number, to: number): ProjectedEvent[] => {
    const mine = events[category as keyof typeof events];
    return mine.slice(Math.floor(mine.length * from), Math.floor(mine.length * to));
  };
  for (const [category, lane] of lanes) {
    const some = half(category, 0, 0.5);
    await timed(`live, ${category} alone`, some.length, () => deliver(lane, some));
  }
  await timed('live, all at once', Math.round(all / 2), () =>
    Promise.all(lanes.map(([category, lane]) => deliver(lane, half(category, 0.5, 1)))),
  );

  const source = new MemoryEventSource();
  source.append(Object.values(events).flat());
  for (const name of ['stock', 'orders', 'customers', 'products', 'overview', 'fulfilments'] satisfies ProjectionName[]) {
    const count =
      events[projectionsOf('order').some((each) => each.name === name) ? 'order' : name === 'stock' ? 'stock' : 'fulfilment'].length;
    let rebuild: Awaited<ReturnType<typeof rebuildBeside>> | undefined;
    await timed(`rebuild ${name}`, count, async () => (rebuild = await rebuildBeside(name, { databaseUrl, source })));
    await timed(`  compare and swap ${name}`, count, async () => {
      const result = await rebuild!.swap();
      if (!result.equal) throw new Error(`${name} differs from its rebuild`);
    });
    await rebuild!.close();
  }
  await pool.end();
} finally {
  await postgres.stop();
  removeCluster(join(scratch, 'pgdata'));
  rmSync(scratch, { recursive: true, force: true });
}
