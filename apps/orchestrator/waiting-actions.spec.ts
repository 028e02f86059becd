/** Proves that a wait before a call to the gateway is kept by its row: it outlives processes, is begun once, and holds up nobody. */
import 'reflect-metadata';
import { streamId, type DomainEvent, type FulfilmentInput } from '#domain';
import { v7 as uuid } from 'uuid';
import { describe, expect, it } from 'vitest';
import { createTestDatabase, waitFor } from '../../test/harness/index.js';
import { cause, fulfilmentFixture } from './testing/fulfilment-fixture.js';

const fixture = fulfilmentFixture({ createTestDatabase, waitFor });
const { engine, end, append, receive, place, count, times, calls } = fixture;

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
    (await fixture.pool.query(`SELECT split_part(action, ' after ', 1) AS action, waits, due_at::text FROM tidemark.fulfilment_work`))
      .rows[0];

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
    await fixture.pool.query(`UPDATE tidemark.fulfilment_work SET due_at = clock_timestamp()`);
    // As an earlier release leaves the name when it moves the order on.
    await fixture.pool.query(`UPDATE tidemark.fulfilment_work SET causation_id = $1`, [uuid()]);
    engine().start();
    const isTaken = async () => (await timer()).action === null;
    await waitFor(isTaken, { what: 'the claim' });
    await waitFor(
      async () => (await fixture.pool.query('SELECT 1 FROM tidemark.fulfilment_work WHERE due_at > clock_timestamp()')).rowCount === 1,
    );
    expect([asked(), await count('FulfilmentStepOutcomeUnknown')]).toEqual([[], 5]);
    expect(orderId).toBeDefined();
  });

  it('costs no attempt when a lease that ran out is claimed while it is being written', async () => {
    const orderId = await inBackoff();
    const found: FulfilmentInput = { type: 'GatewayFound', operation: 'authorize', payment: 'none', gatewayId: null };
    const late = engine();
    await fixture.pool.query(`UPDATE tidemark.fulfilment_work SET due_at = clock_timestamp(), waits = false`);
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
    await fixture.pool.query(`UPDATE tidemark.events SET type = 'OfALaterRelease' WHERE stream_id = $1 AND version = 2`, [
      streamId('fulfilment', other.orderId),
    ]);
    await fixture.pool.query('UPDATE tidemark.fulfilment_work SET due_at = clock_timestamp()');
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
