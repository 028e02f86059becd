/**
 * Proves what one fault may cost others: an orchestrator that stands still, an input the database refuses, a gateway that answers nobody,
 * a cancellation in the middle of a step.
 */
import 'reflect-metadata';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { orderDecider, SCHEMA_VERSIONS, stockDecider, streamId, type DomainEvent, type FulfilmentInput } from '#domain';
import { EventStore } from '#event-store';
import { HandlerErrorFilter, TOPICS, type EventBatch, type EventMessage } from '#messaging';
import { OutboxNotifier } from '#outbox';
import { createLogger, createPool } from '#platform';
import type { Pool } from 'pg';
import { v7 as uuid } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, waitFor, type TestDatabase } from '../../test/harness/index.js';
import { Admission } from './admission.js';
import { FulfilmentEngine } from './fulfilment-engine.js';
import type { Cause } from './fulfilment-runner.js';
import { OrderEventsController } from './order-events.controller.js';

const logger = createLogger({ app: 'orchestrator', level: 'silent' });
const SKU = '85123A';
let database: TestDatabase;
let pool: Pool;
let store: EventStore;
const engines: FulfilmentEngine[] = [];

/** A gateway that answers when it is told to. */
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
  pool = createPool({ databaseUrl: database.url, max: 10, app: 'faults-spec', logger });
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

const cause = (): Cause => ({ correlationId: uuid(), causationId: uuid(), actor: 'system:test', traceparent: null });

async function append(id: string, expectedVersion: number, events: readonly DomainEvent[]): Promise<void> {
  const stored = events.map((event) => ({
    id: uuid(),
    type: event.type,
    schemaVersion: SCHEMA_VERSIONS[event.type as keyof typeof SCHEMA_VERSIONS],
    data: event.data,
    occurredAt: '2010-12-01T08:26:00.000Z',
  }));
  const writes = [{ streamId: id, expectedVersion, events: stored }];
  expect(await store.append([{ metadata: { ...cause(), commandId: null }, writes }])).toEqual([{ outcome: 'appended' }]);
}

const receive = (quantity: number) =>
  append(
    streamId('stock', SKU),
    0,
    stockDecider.decide({ type: 'ReceiveStock', data: { sku: SKU, quantity, reference: null } }, stockDecider.initialState),
  );

interface PlacedOrder {
  readonly orderId: string;
  readonly start: FulfilmentInput;
  readonly message: EventMessage;
}

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

const placeMany = (count: number): Promise<PlacedOrder[]> => Promise.all(Array.from({ length: count }, place));

const batchOf = (orders: readonly PlacedOrder[]): EventBatch => ({
  topic: TOPICS.order,
  partition: 0,
  messages: orders.map(({ message }) => message),
  firstOffset: '0',
  lastOffset: String(orders.length - 1),
});

const count = async (type: string): Promise<number> =>
  Number((await pool.query('SELECT count(*) AS n FROM tidemark.events WHERE type = $1', [type])).rows[0].n);
const times = (type: string, n: number) => waitFor(async () => (await count(type)) === n, { what: `${n} ${type}`, deadlineMs: 20_000 });

describe('an orchestrator that stands still in its transaction', () => {
  it('loses its locks after a few seconds, and does the batch again when it goes on', async () => {
    await receive(10);
    const { orderId, start } = await place();
    const standing = engine();
    const real = standing.store.append.bind(standing.store);
    let goOn: () => void = () => undefined;
    const stopped = new Promise<void>((resolve) => (goOn = resolve));
    let reached = false;
    standing.store.append = async (requests, client) => {
      reached = true;
      await stopped;
      return await real(requests, client);
    };
    const done = standing.runner.submit(orderId, start, cause());
    await waitFor(() => reached, { what: 'the transaction' });
    const other = await pool.connect();
    try {
      await other.query(`BEGIN; SET LOCAL lock_timeout = '8s'`);
      await expect(store.lockStreams(other, [streamId('stock', SKU)])).resolves.toEqual(new Map([[streamId('stock', SKU), 1]]));
    } finally {
      await other.query('ROLLBACK');
      other.release();
      goOn();
    }
    expect(await done).toEqual({ outcome: 'appended' });
    await times('OrderConfirmed', 1);
  });

  it('waits a bounded time for a lock of somebody else, and lets go of those it has', async () => {
    await receive(10);
    const { orderId, start } = await place();
    const holder = await pool.connect();
    const { runner } = engine();
    await holder.query('BEGIN');
    await store.lockStreams(holder, [streamId('stock', SKU)]);
    const done = runner.submit(orderId, start, cause());
    const isLocked = async () => (await store.heldStreams([streamId('order', orderId)])).size === 1;
    await waitFor(isLocked, { what: 'the lock of the order' });
    await waitFor(async () => !(await isLocked()), { what: 'its end', deadlineMs: 8_000 });
    await holder.query('ROLLBACK');
    holder.release();
    expect(await done).toEqual({ outcome: 'appended' });
  });
});

describe('a saga that another orchestrator moves on', () => {
  it('between the look at it and the append is decided again: the step is taken once', async () => {
    await receive(10);
    const { orderId, start } = await place();
    const [slow, fast] = [engine(), engine()];
    slow.dispatcher.dispatch = fast.dispatcher.dispatch = () => undefined;
    await slow.runner.submit(orderId, start, cause());
    const real = slow.store.append.bind(slow.store);
    let goOn: () => void = () => undefined;
    const stopped = new Promise<void>((resolve) => (goOn = resolve));
    const outcomes: string[] = [];
    slow.store.append = async (requests, client) => {
      if (outcomes.length === 0) await stopped;
      const verdicts = await real(requests, client);
      outcomes.push(...verdicts.map(({ outcome }) => outcome));
      return verdicts;
    };
    const authorized = { type: 'GatewayDone', operation: 'authorize', gatewayId: 'pay_1' } as const;
    const late = slow.runner.submit(orderId, authorized, cause());
    expect(await fast.runner.submit(orderId, authorized, cause())).toEqual({ outcome: 'appended' });
    goOn();
    expect(await late).toEqual({ outcome: 'appended' });
    expect(outcomes[0]).toBe('conflict');
    await times('PaymentAuthorized', 1);
  });
});

describe('a decision', () => {
  it('and its timer are one transaction: no crash can keep one without the other', async () => {
    await receive(10);
    const { orderId, start } = await place();
    const dying = engine();
    dying.dispatcher.dispatch = () => undefined;
    await dying.runner.submit(orderId, start, cause());
    // xmin is the transaction that wrote a row.
    const { rows } = await pool.query(
      `SELECT order_id FROM tidemark.fulfilment_work
       WHERE xmin = ALL (SELECT e.xmin FROM tidemark.events e WHERE e.stream_id = $1)`,
      [streamId('fulfilment', orderId)],
    );
    expect(rows).toEqual([{ order_id: orderId }]);
  });

  it('that could not be committed sends nothing to the gateway', async () => {
    await receive(10);
    const { orderId, start } = await place();
    // Raised by the COMMIT itself.
    await pool.query(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused' USING ERRCODE = '22000'; END $$;
      CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON tidemark.fulfilment_work DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION refuse()`);
    const { runner, dispatcher } = engine();
    await expect(runner.submit(orderId, start, cause())).rejects.toMatchObject({ code: '22000' });
    expect(dispatcher.size).toBe(0);
    expect(calls).toEqual([]);
  });
});

it('an input the database refuses fails alone, its neighbours are decided', async () => {
  await receive(10);
  const orders = await placeMany(5);
  const { runner, store: used } = engine();
  const real = used.append.bind(used);
  used.append = async (requests, client) => {
    const bad = requests.some(({ writes }) => writes.some((write) => write.streamId === streamId('fulfilment', orders[2]?.orderId ?? '')));
    // What PostgreSQL says of a NUL in jsonb.
    if (bad) throw Object.assign(new Error('unsupported Unicode escape sequence'), { code: '22P05' });
    return await real(requests, client);
  };
  const results = await Promise.allSettled(orders.map(({ orderId, start }) => runner.submit(orderId, start, cause())));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  await times('OrderConfirmed', 4);
});

it('a cancellation does not send the step a second time that is at the gateway', async () => {
  await receive(10);
  const { orderId, start } = await place();
  const { runner } = engine();
  answering = false;
  await runner.submit(orderId, start, cause());
  await waitFor(() => calls.length > 0, { what: 'the call' });
  await append(streamId('order', orderId), 1, [
    { type: 'OrderCancelled', data: { orderId, reason: 'changed my mind', cancelledFrom: 'placed' } } as DomainEvent,
  ]);
  await runner.submit(orderId, { type: 'RequestCancellation', reason: 'changed my mind' }, cause());
  answerAll();
  await times('PaymentVoided', 1);
  expect(calls.map(({ what }) => what)).toEqual(['POST /payments', `POST /payments/${orderId}/void`]);
});

it('an input that comes in the moment in which the last batch ends is decided', async () => {
  await receive(20);
  const { runner } = engine();
  // No answer of the gateway is to wake it up.
  answering = false;
  for (let moments = 0; moments < 8; moments += 1) {
    const [first, next] = await placeMany(2);
    if (first === undefined || next === undefined) throw new Error('no orders');
    let done = false;
    const both = (async () => {
      await runner.submit(first.orderId, first.start, cause());
      for (let moment = 0; moment < moments; moment += 1) await Promise.resolve();
      await runner.submit(next.orderId, next.start, cause());
      done = true;
    })();
    await waitFor(() => done, { what: `the input ${moments} moments after the batch`, deadlineMs: 5_000 });
    await both;
  }
});

describe('an action that has to wait', () => {
  /** An order whose authorization has come to nothing so often that the next question has to wait 3.2 s; nothing has left the process. */
  async function inBackoff(): Promise<string> {
    await receive(10);
    const { orderId, start } = await place();
    const dead = engine();
    dead.dispatcher.dispatch = () => undefined;
    await dead.runner.submit(orderId, start, cause());
    for (let attempt = 1; attempt < 6; attempt += 1) {
      await dead.runner.submit(orderId, { type: 'GatewayUnknown', operation: 'authorize', detail: 'no answer' }, cause());
    }
    return orderId;
  }
  const asked = () => calls.map(({ what }) => what);
  const timer = async () =>
    (await pool.query(`SELECT split_part(action, ' after ', 1) AS action, waits, due_at::text FROM tidemark.fulfilment_work`)).rows[0];

  it('leaves in time though no process lives that long', async () => {
    const orderId = await inBackoff();
    expect(asked()).toEqual([]);
    for (let lives = 0; lives < 6 && calls.length === 0; lives += 1) {
      const living = engine();
      living.start();
      // Stopping drops what waits in memory, as dying does.
      await waitFor(() => calls.length > 0, { what: 'the question', deadlineMs: 1_600 }).catch(() => end(living));
    }
    expect(asked()[0]).toBe(`GET /payments/${orderId}`);
    await times('OrderConfirmed', 1);
    expect(await count('FulfilmentStepOutcomeUnknown')).toBe(5);
  });

  it('is sent, not asked after, by whoever takes it over: it has never left', async () => {
    const orderId = await inBackoff();
    const dead = engine();
    dead.dispatcher.dispatch = () => undefined;
    await dead.runner.submit(orderId, { type: 'GatewayFound', operation: 'authorize', payment: 'none', gatewayId: null }, cause());
    expect(await timer()).toMatchObject({ action: 'send authorize 6', waits: true });
    engine().start();
    await times('OrderConfirmed', 1);
    expect(asked()).toEqual(['POST /payments', `POST /payments/${orderId}/capture`]);
  });

  it('neither leaves twice nor waits anew when a cancellation comes', async () => {
    const orderId = await inBackoff();
    const before = await timer();
    const { runner, dispatcher } = engine();
    await append(streamId('order', orderId), 1, [
      { type: 'OrderCancelled', data: { orderId, reason: 'changed my mind', cancelledFrom: 'placed' } } as DomainEvent,
    ]);
    await runner.submit(orderId, { type: 'RequestCancellation', reason: 'changed my mind' }, cause());
    expect(before).toMatchObject({ action: 'look-up authorize 6', waits: true });
    expect([await timer(), dispatcher.size]).toEqual([before, 0]);
  });

  it('is left alone when it is no longer what the order owes: somebody moved the order on in the meantime', async () => {
    const orderId = await inBackoff();
    await pool.query(`UPDATE tidemark.fulfilment_work SET due_at = clock_timestamp()`);
    // As an earlier release leaves the name when it moves the order on.
    await pool.query(`UPDATE tidemark.fulfilment_work SET causation_id = $1`, [uuid()]);
    engine().start();
    const isTaken = async () => (await timer()).action === null;
    await waitFor(isTaken, { what: 'the claim' });
    await waitFor(async () => (await pool.query('SELECT 1 FROM tidemark.fulfilment_work WHERE due_at > clock_timestamp()')).rowCount === 1);
    expect([asked(), await count('FulfilmentStepOutcomeUnknown')]).toEqual([[], 5]);
    expect(orderId).toBeDefined();
  });

  it('costs no attempt when a lease that ran out is claimed while it is being written', async () => {
    const orderId = await inBackoff();
    const found: FulfilmentInput = { type: 'GatewayFound', operation: 'authorize', payment: 'none', gatewayId: null };
    const late = engine();
    await pool.query(`UPDATE tidemark.fulfilment_work SET due_at = clock_timestamp(), waits = false`);
    const { fulfilment } = late.loaders;
    const load = fulfilment.loadMany.bind(fulfilment);
    let loaded = 0;
    fulfilment.loadMany = async (ids, client) => {
      // Moved on before its state is read, by who holds neither its row nor a lease; its own row comes after the claim.
      if ((loaded += 1) === 1) {
        const other = engine();
        other.dispatcher.dispatch = () => undefined;
        other.work.schedule = async () => undefined;
        await other.runner.submit(orderId, found, cause());
      }
      return await load(ids, client);
    };
    late.start();
    await waitFor(() => loaded > 0, { what: 'the claim' });
    await end(late);
    expect([asked(), await count('FulfilmentStepOutcomeUnknown')]).toEqual([[], 5]);
  });

  it('leaves though the process that takes it still has the step before under way, as one that lost its database does', async () => {
    const orderId = await inBackoff();
    const stale = engine();
    const fulfilment = { orderId } as never;
    const action = { kind: 'look-up', operation: 'authorize', attempt: 2 } as const;
    // Waits for a gateway it cannot reach, and goes on renewing the lease it once had.
    stale.dispatcher.dispatch({ fulfilment, action, waitMs: 60_000, correlationId: uuid(), causationId: uuid() });
    stale.start();
    await times('OrderConfirmed', 1);
    expect(asked()[0]).toBe(`GET /payments/${orderId}`);
  });

  it('leaves though the saga beside it cannot be read', async () => {
    const orderId = await inBackoff();
    const other = await place();
    const dead = engine();
    dead.dispatcher.dispatch = () => undefined;
    await dead.runner.submit(other.orderId, other.start, cause());
    await pool.query(`UPDATE tidemark.events SET type = 'OfALaterRelease' WHERE stream_id = $1 AND version = 2`, [
      streamId('fulfilment', other.orderId),
    ]);
    await pool.query('UPDATE tidemark.fulfilment_work SET due_at = clock_timestamp()');
    engine().start();
    await times('OrderConfirmed', 1);
    expect(asked()[0]).toBe(`GET /payments/${orderId}`);
  });

  it('keeps its time when the process that had the step before renews its leases', async () => {
    const orderId = await inBackoff();
    const before = await timer();
    await engine().work.renew([{ orderId, causationId: uuid() }], 60_000);
    expect(await timer()).toEqual(before);
  });
});

describe('a gateway that answers nobody', () => {
  it('holds back what comes from Kafka, and all of it goes on when it answers again', async () => {
    await receive(100);
    const orders = await placeMany(60);
    const { runner, admission, dispatcher } = engine({ MAX_ACTIONS_IN_MEMORY: 20 });
    answering = false;
    const handled = new OrderEventsController(runner, admission).onOrderEvents(batchOf(orders));
    await waitFor(() => dispatcher.size === 18, { what: 'the places to be taken' });
    expect(await count('FulfilmentStarted')).toBe(18);
    answerAll();
    let most = 0;
    await waitFor(
      async () => {
        most = Math.max(most, dispatcher.load);
        return (await count('OrderConfirmed')) === 60;
      },
      { what: 'the end of all orders', deadlineMs: 20_000 },
    );
    await handled;
    expect(most).toBeLessThanOrEqual(20);
  });

  it('holds back what is overdue, which stays due for whoever has room', async () => {
    await receive(100);
    const dying = engine({ ACTION_LEASE_MS: 1_000 });
    dying.dispatcher.dispatch = () => undefined;
    await Promise.all((await placeMany(60)).map(({ orderId, start }) => dying.runner.submit(orderId, start, cause())));
    const taking = engine({ MAX_ACTIONS_IN_MEMORY: 20 });
    answering = false;
    taking.start();
    await waitFor(() => taking.dispatcher.size >= 20, { what: 'the places to be taken' });
    expect(taking.dispatcher.size).toBe(20);
    expect(await count('PaymentOutcomeUnknown')).toBe(20);
  });

  it('turns a waiting batch away in time, or when the process ends, and takes no more of it', async () => {
    const full = new Admission({ maxActions: 10, actions: () => 10, patienceMs: 50 });
    await expect(full.enter()).rejects.toThrow('the payment gateway does not keep up: 10 actions wait for it');
    const patient = new Admission({ maxActions: 10, actions: () => 10 });
    const [first] = await placeMany(1);
    const handled = new OrderEventsController(engine().runner, patient).onOrderEvents(batchOf(first === undefined ? [] : [first]));
    patient.close();
    await expect(handled).rejects.toThrow('shutting down');
    expect(await count('FulfilmentStarted')).toBe(0);
  });
});

it('what a handler fails with reaches the consumer as it is', () => {
  expect(Reflect.getMetadata('__exceptionFilters__', OrderEventsController)).toEqual([HandlerErrorFilter]);
});
