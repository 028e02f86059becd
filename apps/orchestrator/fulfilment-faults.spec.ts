/**
 * Proves what one fault may cost others: an orchestrator that stands still, an input the database refuses, a gateway that answers nobody,
 * a cancellation in the middle of a step.
 */
import 'reflect-metadata';
import { streamId, type DomainEvent } from '#domain';
import { HandlerErrorFilter } from '#messaging';
import { describe, expect, it } from 'vitest';
import { createTestDatabase, waitFor } from '../../test/harness/index.js';
import { Admission } from './admission.js';
import { OrderEventsController } from './order-events.controller.js';
import { SKU, batchOf, cause, fulfilmentFixture } from './testing/fulfilment-fixture.js';

const fixture = fulfilmentFixture({ createTestDatabase, waitFor });
const { engine, append, receive, place, placeMany, count, times, calls, answerAll } = fixture;

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
    const other = await fixture.pool.connect();
    try {
      await other.query(`BEGIN; SET LOCAL lock_timeout = '8s'`);
      await expect(fixture.store.lockStreams(other, [streamId('stock', SKU)])).resolves.toEqual(new Map([[streamId('stock', SKU), 1]]));
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
    const holder = await fixture.pool.connect();
    const { runner } = engine();
    await holder.query('BEGIN');
    await fixture.store.lockStreams(holder, [streamId('stock', SKU)]);
    const done = runner.submit(orderId, start, cause());
    const isLocked = async () => (await fixture.store.heldStreams([streamId('order', orderId)])).size === 1;
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
    const { rows } = await fixture.pool.query(
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
    await fixture.pool.query(`
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
  fixture.holdAnswers();
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
  fixture.holdAnswers();
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

describe('a gateway that answers nobody', () => {
  it('holds back what comes from Kafka, and all of it goes on when it answers again', async () => {
    await receive(100);
    const orders = await placeMany(60);
    const { runner, admission, dispatcher } = engine({ MAX_ACTIONS_IN_MEMORY: 20 });
    fixture.holdAnswers();
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
    fixture.holdAnswers();
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
