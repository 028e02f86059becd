/**
 * Proves that the saga ends every order right against a real PostgreSQL and the gateway simulator: lost answers, a gateway that is away,
 * a process that dies between steps, two orchestrators on the same SKUs, operators.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { orderDecider, SCHEMA_VERSIONS, stockDecider, streamId, type DomainEvent, type FulfilmentInput } from '#domain';
import { EventStore } from '#event-store';
import { OutboxNotifier } from '#outbox';
import { createLogger, createPool } from '#platform';
import type { Pool } from 'pg';
import { v7 as uuid } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createGateway } from '../../dev/gateway/gateway-server.js';
import { createTestDatabase, waitFor, type TestDatabase } from '../../test/harness/index.js';
import { FulfilmentEngine } from './fulfilment-engine.js';
import type { Cause } from './fulfilment-runner.js';

const logger = createLogger({ app: 'orchestrator', level: 'silent' });
const SKU = '85123A';
let database: TestDatabase;
let pool: Pool;
let store: EventStore;
let folder: string;
let gateway: Awaited<ReturnType<typeof createGateway>>;
let gatewayUrl: string;
const engines: FulfilmentEngine[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-engine-'));
  gateway = await createGateway(join(folder, 'book.jsonl'));
  await gateway.app.listen({ port: 0, host: '127.0.0.1' });
  gatewayUrl = `http://127.0.0.1:${(gateway.app.server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await gateway.app.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.url, max: 10, app: 'engine-spec', logger });
  store = new EventStore({ pool });
});
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
  await pool.end();
  await database.drop();
});

function engine(overrides: Partial<{ GATEWAY_URL: string; GATEWAY_TIMEOUT_MS: number; ACTION_LEASE_MS: number }> = {}): FulfilmentEngine {
  const config = { GATEWAY_URL: gatewayUrl, GATEWAY_TIMEOUT_MS: 500, GATEWAY_CONCURRENCY: 16, ACTION_LEASE_MS: 1_000, ...overrides };
  const created = new FulfilmentEngine({ pool, notifier: new OutboxNotifier({ pool, logger }), config, logger });
  engines.push(created);
  return created;
}

const cause = (): Cause => ({ correlationId: uuid(), causationId: uuid(), actor: 'system:test', traceparent: null });

async function append(id: string, expectedVersion: number, events: readonly DomainEvent[]): Promise<void> {
  const [verdict] = await store.append([
    {
      metadata: { ...cause(), commandId: null },
      writes: [
        {
          streamId: id,
          expectedVersion,
          events: events.map((event) => ({
            id: uuid(),
            type: event.type,
            schemaVersion: SCHEMA_VERSIONS[event.type as keyof typeof SCHEMA_VERSIONS],
            data: event.data,
            occurredAt: '2010-12-01T08:26:00.000Z',
          })),
        },
      ],
    },
  ]);
  expect(verdict).toEqual({ outcome: 'appended' });
}

const receive = (sku: string, quantity: number) =>
  append(
    streamId('stock', sku),
    0,
    stockDecider.decide({ type: 'ReceiveStock', data: { sku, quantity, reference: null } }, stockDecider.initialState),
  );

/** A stored order of one line and the input its OrderPlaced message would lead to. */
async function place(paymentToken: string, quantity = 1): Promise<{ orderId: string; start: FulfilmentInput }> {
  const orderId = uuid();
  const customer = { id: '17850', name: null, email: null, country: 'United Kingdom' };
  const lines = [{ sku: SKU, description: null, quantity, unitPrice: 255 }];
  await append(
    streamId('order', orderId),
    0,
    orderDecider.decide(
      { type: 'PlaceOrder', data: { orderId, reference: null, customer, currency: 'GBP', lines, paymentToken } },
      orderDecider.initialState,
    ),
  );
  const items = [{ sku: SKU, quantity }];
  return { orderId, start: { type: 'StartFulfilment', orderId, items, amount: quantity * 255, currency: 'GBP', paymentToken } };
}

const typesOf = async (id: string): Promise<string[]> =>
  (await pool.query<{ type: string }>('SELECT type FROM tidemark.events WHERE stream_id = $1 ORDER BY version', [id])).rows.map(
    (row) => row.type,
  );

const ended = (orderId: string, status: string) =>
  waitFor(async () => (await typesOf(streamId('order', orderId))).includes(status), { what: `${status} of the order` });

const inGatewaysBook = async (reference: string): Promise<string> =>
  ((await (await fetch(`${gatewayUrl}/payments/${reference}`)).json()) as { status: string }).status;

describe('the fulfilment engine', () => {
  it('confirms an order that is in stock and paid, and ships its goods', async () => {
    await receive(SKU, 10);
    const { orderId, start } = await place('tok_ok', 3);
    await engine().runner.submit(orderId, start, cause());
    await ended(orderId, 'OrderConfirmed');
    expect(await typesOf(streamId('payment', orderId))).toEqual(['PaymentRequested', 'PaymentAuthorized', 'PaymentCaptured']);
    expect(await typesOf(streamId('stock', SKU))).toEqual(['StockReceived', 'StockReserved', 'StockShipped']);
    expect(await inGatewaysBook(orderId)).toBe('captured');
    expect((await pool.query('SELECT 1 FROM tidemark.fulfilment_work')).rowCount).toBe(0);
  });

  it('releases the goods when the gateway declines', async () => {
    await receive(SKU, 10);
    const { orderId, start } = await place('tok_declined');
    await engine().runner.submit(orderId, start, cause());
    await ended(orderId, 'OrderRejected');
    expect(await typesOf(streamId('stock', SKU))).toEqual(['StockReceived', 'StockReserved', 'StockReleased']);
  });

  it.each(['authorize', 'capture'])('charges once when the gateway does the %s and its answer is lost', async (operation) => {
    await receive(SKU, 10);
    const { orderId, start } = await place(`tok_noanswer_${operation}`);
    await engine().runner.submit(orderId, start, cause());
    await ended(orderId, 'OrderConfirmed');
    const types = await typesOf(streamId('payment', orderId));
    expect(types.filter((type) => type === 'PaymentCaptured')).toHaveLength(1);
    expect(types).toContain('PaymentOutcomeUnknown');
  });

  it('leaves no money authorized when an order is cancelled before its authorization has landed', async () => {
    await receive(SKU, 10);
    const { orderId, start } = await place('tok_late_1200');
    const { runner } = engine();
    await runner.submit(orderId, start, cause());
    await append(streamId('order', orderId), 1, [
      { type: 'OrderCancelled', data: { orderId, reason: 'changed my mind', cancelledFrom: 'placed' } },
    ]);
    await runner.submit(orderId, { type: 'RequestCancellation', reason: 'changed my mind' }, cause());
    await waitFor(async () => (await typesOf(streamId('fulfilment', orderId))).at(-1) === 'FulfilmentCompleted', {
      what: 'the end of the saga',
    });
    // Past the moment at which the authorization reaches the gateway's book.
    const landed = Date.now() + 1_500;
    await waitFor(() => Date.now() > landed, { what: 'the late authorization' });
    expect(await inGatewaysBook(orderId)).toBe('voided');
    expect((await typesOf(streamId('payment', orderId))).at(-1)).toBe('PaymentVoided');
  });

  it('goes on by itself once a gateway that was away is back', async () => {
    await receive(SKU, 10);
    const { orderId, start } = await place('tok_ok');
    // Nothing listens on port 9 of loopback.
    const away = engine({ GATEWAY_URL: 'http://127.0.0.1:9' });
    await away.runner.submit(orderId, start, cause());
    await away.stop();
    engines.splice(engines.indexOf(away), 1);
    engine().start();
    await ended(orderId, 'OrderConfirmed');
  });

  it('is taken over by another process when one dies between deciding and charging', async () => {
    await receive(SKU, 10);
    const { orderId, start } = await place('tok_ok');
    const dying = engine();
    dying.dispatcher.dispatch = () => undefined;
    await dying.runner.submit(orderId, start, cause());
    expect(await typesOf(streamId('order', orderId))).toEqual(['OrderPlaced']);
    engine().start();
    await ended(orderId, 'OrderConfirmed');
    expect(await typesOf(streamId('payment', orderId))).toContain('PaymentOutcomeUnknown');
  });

  it('sells a hundred pieces to two hundred orders exactly once, with two orchestrators at work', async () => {
    await receive(SKU, 100);
    const two = [engine(), engine()];
    const orders = await Promise.all(Array.from({ length: 200 }, () => place('tok_ok')));
    await Promise.all(orders.map(({ orderId, start }, index) => two[index % 2]?.runner.submit(orderId, start, cause())));
    const count = async (type: string) =>
      Number((await pool.query('SELECT count(*) AS n FROM tidemark.events WHERE type = $1', [type])).rows[0].n);
    await waitFor(async () => (await count('OrderConfirmed')) + (await count('OrderRejected')) === 200, { what: 'the end of all orders' });
    expect([await count('OrderConfirmed'), await count('OrderRejected'), await count('StockShipped')]).toEqual([100, 100, 100]);
    const { rows } = await pool.query(`SELECT count(*) = max(version) AS gapless FROM tidemark.events WHERE stream_id = $1`, [
      streamId('stock', SKU),
    ]);
    expect(rows[0].gapless).toBe(true);
  });

  it('does nothing for a repeated start or a repeated cancellation', async () => {
    await receive(SKU, 10);
    const { orderId, start } = await place('tok_ok');
    const { runner } = engine();
    await runner.submit(orderId, start, cause());
    await ended(orderId, 'OrderConfirmed');
    const before = await typesOf(streamId('fulfilment', orderId));
    await runner.submit(orderId, start, cause());
    expect(await typesOf(streamId('fulfilment', orderId))).toEqual(before);
  });

  it('refunds the money and takes the goods back when a confirmed order is cancelled', async () => {
    await receive(SKU, 10);
    const { orderId, start } = await place('tok_ok');
    const { runner } = engine();
    await runner.submit(orderId, start, cause());
    await ended(orderId, 'OrderConfirmed');
    await append(streamId('order', orderId), 2, [
      { type: 'OrderCancelled', data: { orderId, reason: 'changed my mind', cancelledFrom: 'confirmed' } },
    ]);
    await runner.submit(orderId, { type: 'RequestCancellation', reason: 'changed my mind' }, cause());
    await waitFor(async () => (await typesOf(streamId('payment', orderId))).includes('PaymentRefunded'), { what: 'the refund' });
    expect((await typesOf(streamId('stock', SKU))).at(-1)).toBe('StockReturned');
    expect(await inGatewaysBook(orderId)).toBe('refunded');
  });
});
