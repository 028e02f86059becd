import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { orderDecider, SCHEMA_VERSIONS, stockDecider, streamId, type DomainEvent, type FulfilmentInput } from '#domain';
import { EventStore } from '#event-store';
import { TOPICS, type EventBatch, type EventMessage } from '#messaging';
import { OutboxNotifier } from '#outbox';
import { createLogger, createPool } from '#platform';
import type { Pool } from 'pg';
import { v7 as uuid } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { FulfilmentEngine } from '../fulfilment-engine.js';
import type { Cause } from '../fulfilment-runner.js';

/** What a fixture needs of the test harness; the spec passes it in, because only specs may reach across rooms. */
interface Harness {
  createTestDatabase(): Promise<{ readonly url: string; drop(): Promise<void> }>;
  waitFor(attempt: () => Promise<boolean>, options: { readonly what: string; readonly deadlineMs: number }): Promise<unknown>;
}

export interface PlacedOrder {
  readonly orderId: string;
  readonly start: FulfilmentInput;
  readonly message: EventMessage;
}

export const SKU = '85123A';
const logger = createLogger({ app: 'orchestrator', level: 'silent' });

export const cause = (): Cause => ({ correlationId: uuid(), causationId: uuid(), actor: 'system:test', traceparent: null });

export const batchOf = (orders: readonly PlacedOrder[]): EventBatch => ({
  topic: TOPICS.order,
  partition: 0,
  messages: orders.map(({ message }) => message),
  firstOffset: '0',
  lastOffset: String(orders.length - 1),
});

/** As whoever decided them appends them. */
export const toStore = (events: readonly DomainEvent[]) =>
  events.map((event) => ({
    id: uuid(),
    type: event.type,
    schemaVersion: SCHEMA_VERSIONS[event.type as keyof typeof SCHEMA_VERSIONS],
    data: event.data,
    occurredAt: '2010-12-01T08:26:00.000Z',
  }));

/** Orchestrators on a database of their own, new for each test, and a gateway that answers when it is told to. */
export function fulfilmentFixture({ createTestDatabase, waitFor }: Harness) {
  let database: Awaited<ReturnType<Harness['createTestDatabase']>>;
  let pool: Pool;
  let store: EventStore;
  const engines: FulfilmentEngine[] = [];
  const calls: { what: string; answer(): void }[] = [];
  let answering = true;
  const gateway = createServer((request, response) => {
    request.resume();
    const answer = () => void (response.writableEnded || response.end('{"id":"g","status":"authorized"}'));
    calls.push({ what: `${request.method} ${request.url}`, answer });
    if (answering) answer();
  });
  const answerAll = (): void => {
    answering = true;
    calls.forEach(({ answer }) => answer());
  };

  beforeAll(async () => void (await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve))));
  afterAll(() => {
    gateway.closeAllConnections();
    gateway.close();
  });
  beforeEach(async () => {
    answering = true;
    calls.length = 0;
    database = await createTestDatabase();
    pool = createPool({ databaseUrl: database.url, max: 10, app: 'orchestrator-spec', logger });
    store = new EventStore({ pool });
  });
  afterEach(async () => {
    answerAll();
    await Promise.all(engines.splice(0).map((engine) => engine.stop()));
    await pool.end();
    await database.drop();
  });

  function engine(overrides: Partial<ConstructorParameters<typeof FulfilmentEngine>[0]['config']> = {}): FulfilmentEngine {
    const config = {
      GATEWAY_URL: `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`,
      GATEWAY_TIMEOUT_MS: 20_000,
      GATEWAY_CONCURRENCY: 16,
      ACTION_LEASE_MS: 15_000,
      ...overrides,
    };
    const created = new FulfilmentEngine({ pool, notifier: new OutboxNotifier({ pool, logger }), config, logger });
    engines.push(created);
    return created;
  }

  async function end(ended: FulfilmentEngine): Promise<void> {
    engines.splice(engines.indexOf(ended), 1);
    await ended.stop();
  }

  async function append(id: string, expectedVersion: number, events: readonly DomainEvent[]): Promise<void> {
    const writes = [{ streamId: id, expectedVersion, events: toStore(events) }];
    expect(await store.append([{ metadata: { ...cause(), commandId: null }, writes }])).toEqual([{ outcome: 'appended' }]);
  }

  const receive = (quantity: number) =>
    append(
      streamId('stock', SKU),
      0,
      stockDecider.decide({ type: 'ReceiveStock', data: { sku: SKU, quantity, reference: null } }, stockDecider.initialState),
    );

  /** A stored order of one piece, the input its OrderPlaced leads to, and that message. */
  async function place(): Promise<PlacedOrder> {
    const orderId = uuid();
    const customer = { id: '17850', name: null, email: null, country: 'United Kingdom' };
    const lines = [{ sku: SKU, description: null, quantity: 1, unitPrice: 255 }];
    const data = { orderId, reference: null, customer, currency: 'GBP', lines, paymentToken: 'tok_ok' };
    const events = orderDecider.decide({ type: 'PlaceOrder', data }, orderDecider.initialState);
    await append(streamId('order', orderId), 0, events);
    const { correlationId } = cause();
    const message = {
      id: uuid(),
      type: 'OrderPlaced',
      streamId: streamId('order', orderId),
      data: events[0]?.data,
      correlationId,
      traceparent: null,
    };
    const items = [{ sku: SKU, quantity: 1 }];
    const start: FulfilmentInput = { type: 'StartFulfilment', orderId, items, amount: 255, currency: 'GBP', paymentToken: 'tok_ok' };
    return { orderId, start, message: message as unknown as EventMessage };
  }
  const placeMany = (many: number): Promise<PlacedOrder[]> => Promise.all(Array.from({ length: many }, place));

  const count = async (type: string): Promise<number> =>
    Number((await pool.query('SELECT count(*) AS n FROM tidemark.events WHERE type = $1', [type])).rows[0].n);
  const times = (type: string, n: number) => waitFor(async () => (await count(type)) === n, { what: `${n} ${type}`, deadlineMs: 20_000 });

  return {
    get pool(): Pool {
      return pool;
    },
    get store(): EventStore {
      return store;
    },
    /** What the gateway was asked, in order. */
    calls: calls as readonly { readonly what: string }[],
    /** From now on the gateway answers nobody. */
    holdAnswers: (): void => void (answering = false),
    /** The gateway answers again, also what it was asked in the meantime. */
    answerAll,
    engine,
    end,
    append,
    receive,
    place,
    placeMany,
    count,
    times,
  };
}
