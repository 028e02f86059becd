/**
 * Proves, against a real database and broker: what is on the topics is in the tables once, also when all of it comes again or a database
 * session dies in between; poison holds up only its own stream; a gap stops its partition, shows in readiness, and a rebuild heals it.
 */
import { randomUUID } from 'node:crypto';
import { encode, KafkaJsBroker, topicOf, type BatchProducer, type BrokerAdmin, type EventMessage } from '#messaging';
import { createLogger, type RunningApp } from '#platform';
import type { ProjectionName } from '#read-models';
import { rebuildBeside, type ProjectedEvent } from '#read-models/write';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { createTestDatabase, uniqueTopicPrefix, waitFor as waitUntil, type TestDatabase } from '../../test/harness/index.js';
import { confirmed, fulfilmentStream, orderStream, placed, stockStream } from '../../libs/read-models/testing/events.js';
import { MemoryEventSource } from '../../libs/read-models/testing/memory-event-source.js';
import { startProjector } from './projector-app.js';

const logger = createLogger({ app: 'projector', level: 'silent' });
let database: TestDatabase;
let pool: pg.Pool;
let broker: KafkaJsBroker;
let admin: BrokerAdmin;
let producer: BatchProducer;
let topicPrefix: string;
let running: RunningApp | undefined;
/** Others of the same group, where a spec has more than one. */
const more: RunningApp[] = [];
let fatal: Error[];

/** Joining a group on a busy machine takes a while. */
const waitFor: typeof waitUntil = (attempt, options) => waitUntil(attempt, { deadlineMs: 25_000, ...options });

beforeAll(async () => {
  topicPrefix = uniqueTopicPrefix();
  broker = new KafkaJsBroker({ brokers: inject('kafkaBrokers'), clientId: 'spec', topicPrefix, logger });
  admin = broker.admin();
  await admin.ensureTopics();
  producer = await broker.createProducer();
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 3, pipeline: true });
  pool.on('error', () => undefined);
});
afterAll(async () => {
  await producer.close();
  await admin.close();
  await pool.end();
  await database.drop();
});
beforeEach(() => {
  fatal = [];
});
afterEach(async () => {
  await Promise.all([running, ...more.splice(0)].map((app) => app?.close()));
  running = undefined;
});

async function start(): Promise<RunningApp> {
  running = await startProjector({
    config: {
      DATABASE_URL: database.url,
      KAFKA_BROKERS: inject('kafkaBrokers'),
      TOPIC_PREFIX: topicPrefix,
      PORT: 0,
      HOST: '127.0.0.1',
      LOG_LEVEL: 'silent',
    },
    logger,
    handleSignals: false,
    onFatal: (error) => void fatal.push(error),
  });
  return running;
}

const message = (event: ProjectedEvent): EventMessage => ({
  ...event,
  schemaVersion: 1,
  correlationId: randomUUID(),
  causationId: randomUUID(),
  commandId: null,
  traceparent: null,
});

async function publish(events: readonly ProjectedEvent[]): Promise<void> {
  const verdicts = await producer.send(events.map((event) => encode(message(event))));
  expect(verdicts.filter(({ outcome }) => outcome !== 'acknowledged')).toEqual([]);
}

const order = (id: string): ProjectedEvent[] =>
  orderStream(id, [placed(id, { customerId: `customer of ${id}`, lines: [['A', 2, 50]] }), confirmed(id)]);
const rows = async (sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> => (await pool.query(sql, values)).rows;
const statusOf = async (id: string) => (await rows('SELECT status, version FROM read.orders WHERE order_id = $1', [id]))[0];
const isConfirmed = (id: string) => waitFor(async () => (await statusOf(id))?.['status'] === 'confirmed', { what: `${id} confirmed` });
const salesOfA = async () => (await rows(`SELECT orders::int, units::int, revenue::int FROM read.product_sales WHERE sku = 'A'`))[0];
const customerOf = async (id: string) =>
  (await rows('SELECT orders::int, confirmed_orders::int FROM read.customers WHERE customer_id = $1', [`customer of ${id}`]))[0];
const ready = async (): Promise<{ status: number; body: string }> => {
  const response = await fetch(`${running!.url}/health/ready`);
  return { status: response.status, body: await response.text() };
};

describe('the projector', () => {
  it('fills every read model, says how far it is, and drops what comes twice', async () => {
    await start();
    const events = [
      ...order('a1'),
      ...order('a2'),
      ...stockStream('A', [
        { type: 'StockReceived', data: { sku: 'A', quantity: 10, reference: null } },
        { type: 'StockReserved', data: { sku: 'A', orderId: 'a1', quantity: 2 } },
      ]),
      ...fulfilmentStream('a1', [
        { type: 'FulfilmentStarted', data: { orderId: 'a1', items: [], amount: 100, currency: 'GBP', paymentToken: 'tok_ok' } },
      ]),
    ];
    await publish(events);
    await publish(events);
    await Promise.all(['a1', 'a2'].map(isConfirmed));
    await waitFor(async () => (await rows('SELECT FROM read.stock_levels WHERE available = 8')).length === 1);
    await waitFor(async () => (await rows('SELECT FROM read.fulfilments')).length === 1);
    expect(await salesOfA()).toEqual({ orders: 2, units: 4, revenue: 200 });
    const positions = await rows('SELECT projection, version FROM read.projection_positions WHERE stream_id = $1 ORDER BY 1', ['order-a1']);
    expect(positions).toEqual(['customers', 'orders', 'overview', 'products'].map((projection) => ({ projection, version: 2 })));
    await waitFor(async () => (await ready()).status === 200);
    expect(JSON.parse((await ready()).body).details.consumer).toMatchObject({ status: 'up', connected: true, failures: {} });
    const metrics = await (await fetch(`${running!.url}/metrics`)).text();
    expect(metrics).toMatch(/tidemark_projected_events_total\{projection="orders",app="projector"\} 4/);
    expect(metrics).toMatch(/tidemark_projector_lag_messages\{/);
    expect(metrics).toMatch(/tidemark_projection_delay_seconds_count\{[^}]*projection="stock"[^}]*\} [1-9]/);
  });

  it('takes the whole topic again without a change', async () => {
    const before = await salesOfA();
    for (const category of ['order', 'stock', 'fulfilment']) {
      const topic = topicOf(`${category}-x`);
      const start = new Map([...(await admin.endOffsets(topic)).keys()].map((partition) => [partition, 0]));
      await waitFor(() => admin.setGroupOffsets('projector', topic, start).then(() => true));
    }
    await start();
    await publish(order('b1'));
    await isConfirmed('b1');
    await waitFor(async () => (await admin.groupLag('projector')).every(({ lag }) => lag === 0));
    expect(await salesOfA()).toEqual({ orders: 3, units: 6, revenue: (before!['revenue'] as number) + 100 });
    expect(await customerOf('a1')).toEqual({ orders: 1, confirmed_orders: 1 });
    const metrics = await (await fetch(`${running!.url}/metrics`)).text();
    // four order events, each sent twice before, times four projections
    expect(metrics).toMatch(/tidemark_projector_duplicates_total\{category="order",app="projector"\} 32/);
  });

  it('may run several times: they share the partitions, and one that leaves is replaced', async () => {
    more.push(await start());
    await start();
    const ids = Array.from({ length: 60 }, (_, n) => `m${n}`);
    for (const id of ids.slice(0, 30)) await publish(order(id));
    const leaving = more.pop()!.close();
    for (const id of ids.slice(30)) await publish(order(id));
    await leaving;
    await Promise.all(ids.map(isConfirmed));
    const totals = await rows(
      `SELECT sum(orders)::int AS orders, sum(confirmed_orders)::int AS confirmed FROM read.customers WHERE customer_id LIKE 'customer of m%'`,
    );
    expect(totals).toEqual([{ orders: 60, confirmed: 60 }]);
  });

  it('survives the death of its database sessions, and counts nothing twice', async () => {
    await start();
    const ids = Array.from({ length: 40 }, (_, n) => `c${n}`);
    for (const id of ids) {
      await publish(order(id));
      await rows(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tidemark-projector' AND datname = current_database()
         AND query LIKE '%read.%'`,
      );
    }
    await Promise.all(ids.map(isConfirmed));
    for (const id of ids) expect(await customerOf(id)).toEqual({ orders: 1, confirmed_orders: 1 });
    expect(fatal).toEqual([]);
  });

  it('puts poison aside with its reason and holds up only its stream', async () => {
    await start();
    const [bad, after] = orderStream('d1', [{ ...placed('d1'), data: { orderId: 'd1' } } as never, confirmed('d1')]);
    const [tooLarge] = orderStream('d2', [placed('d2', { lines: [['A', 1e30, 1]] })]);
    const [unknown] = orderStream('d3', [{ type: 'OrderTeleported', data: { orderId: 'd3' } } as never]);
    await publish([bad!, after!, tooLarge!, unknown!, ...order('d4'), ...order('d5')]);
    await Promise.all(['d4', 'd5'].map(isConfirmed));
    const letters = await waitFor(async () => {
      const found = await rows('SELECT stream_id, code FROM tidemark.consumer_dead_letters ORDER BY stream_id, id');
      return found.length >= 4 && found;
    });
    expect(letters).toEqual([
      { stream_id: 'order-d1', code: 'unprojectable' },
      { stream_id: 'order-d1', code: 'stream-parked' },
      { stream_id: 'order-d2', code: 'refused-by-database' },
      { stream_id: 'order-d3', code: 'unknown-type' },
    ]);
    expect(await statusOf('d1')).toBeUndefined();
  });

  it('lets operators see what is held, try it again, and give it up', async () => {
    await start();
    const ask = async (path: string, body?: object) => {
      const response = await fetch(`${running!.url}${path}`, {
        ...(body && { method: 'POST', body: JSON.stringify(body) }),
        headers: { 'content-type': 'application/json', 'x-actor': 'ann' },
      });
      return { status: response.status, body: (await response.json()) as Record<string, any> };
    };
    const { items } = (await ask('/parked-streams')).body;
    expect(items).toContainEqual(expect.objectContaining({ streamId: 'order-d3', code: 'unknown-type', held: 1 }));
    expect(await ask('/parked-streams/order-d3/release', { reason: 'look again' })).toMatchObject({
      status: 409,
      body: { code: 'stream-not-releasable', detail: expect.stringContaining('unknown-type') },
    });
    const [letter] = (await ask('/dead-letters?streamId=order-d3&state=held')).body['items'];
    expect(await ask(`/dead-letters/${letter.id}/discard`, { reason: 'a stray' })).toMatchObject({
      status: 200,
      body: { state: 'discarded' },
    });
    expect(await ask(`/dead-letters/${letter.id}/discard`, { reason: 'a stray' })).toMatchObject({
      status: 404,
      body: { code: 'dead-letter-not-held' },
    });
    expect(await ask('/parked-streams/order-d3/release', { reason: 'nothing is left' })).toMatchObject({
      status: 200,
      body: { delivered: 0 },
    });
    expect((await ask('/dead-letters?streamId=order-d3')).body['items']).toEqual([
      expect.objectContaining({ state: 'discarded', resolvedBy: 'ann', note: 'a stray' }),
    ]);
    await publish(order('d3'));
    await isConfirmed('d3');
  });

  it('stops at a gap, says so, and goes on once the projections were rebuilt', async () => {
    await start();
    const events = order('e1');
    await publish(events.slice(1));
    await waitFor(async () => {
      const { status, body } = await ready();
      return status === 503 && body.includes('order-e1: expected 1, received 2');
    });
    expect(await statusOf('e1')).toBeUndefined();

    const source = new MemoryEventSource();
    source.append([...(await everythingProjected()), ...events]);
    for (const name of ['orders', 'customers', 'products', 'overview'] satisfies ProjectionName[]) {
      const rebuild = await rebuildBeside(name, { databaseUrl: database.url, source });
      await rebuild.swap({ accept: true });
      await rebuild.close();
    }
    await publish(order('e2'));
    await isConfirmed('e2');
    await isConfirmed('e1');
    await waitFor(async () => (await ready()).status === 200);
    expect(await customerOf('e1')).toEqual({ orders: 1, confirmed_orders: 1 });
  });
});

/** The orders of the specs before, as the store would still have them. */
async function everythingProjected(): Promise<ProjectedEvent[]> {
  const known = await rows('SELECT order_id AS id FROM read.orders ORDER BY 1');
  return known.flatMap(({ id }) => order(id as string));
}
