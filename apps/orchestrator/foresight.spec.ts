/** Proves that a batch which is decided before its streams are locked is committed only if the lock would have decided the same. */
import 'reflect-metadata';
import { streamId } from '#domain';
import { describe, expect, it } from 'vitest';
import { createTestDatabase, waitFor } from '../../test/harness/index.js';
import type { FulfilmentEngine } from './fulfilment-engine.js';
import type { Cause } from './fulfilment-runner.js';
import { cause, fulfilmentFixture, SKU, type PlacedOrder } from './testing/fulfilment-fixture.js';

const { engine, append, receive, placeMany, count, times } = fulfilmentFixture({ createTestDatabase, waitFor });

describe('a batch decided while the one before it is being written', () => {
  /** The second order is decided while the append of the first one is held up; `meanwhile` runs before that goes on. */
  function submitBoth(
    { runner, store: used, loaders }: FulfilmentEngine,
    [first, second]: readonly PlacedOrder[],
    meanwhile: () => Promise<void>,
    inTransaction?: Cause['inTransaction'],
  ): Promise<PromiseSettledResult<unknown>[]> {
    const read = loaders.order.loadMany.bind(loaders.order);
    const foreseen = new Promise<void>((resolve) => {
      loaders.order.loadMany = async (ids, client) => {
        const states = await read(ids, client);
        if (client === undefined) resolve();
        return states;
      };
    });
    return new Promise((resolve) => {
      const real = used.append.bind(used);
      used.append = async (requests, client) => {
        used.append = real;
        const late = runner.submit(second!.orderId, second!.start, cause());
        resolve(Promise.allSettled([early, late]));
        await foreseen;
        await meanwhile();
        return await real(requests, client);
      };
      const early = runner.submit(first!.orderId, first!.start, { ...cause(), inTransaction });
    });
  }

  it('is committed as it was decided when nobody else has been at its streams', async () => {
    await receive(10);
    const used = engine();
    const results = await submitBoth(used, await placeMany(2), async () => {
      // From here on an order would be read under lock alone, to be decided again.
      used.loaders.order.loadMany = () => Promise.reject(new Error('read again'));
    });
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
    await times('StockReserved', 2);
  });

  it('is decided again when its order was cancelled meanwhile', async () => {
    await receive(10);
    const orders = await placeMany(2);
    const cancelled = orders[1]!.orderId;
    await submitBoth(engine(), orders, async () => {
      const data = { orderId: cancelled, reason: 'changed my mind' };
      await append(streamId('order', cancelled), 1, [{ type: 'OrderCancelled', data }]);
    });
    await times('OrderConfirmed', 1);
    // Of the first one alone.
    expect(await count('PaymentRequested')).toBe(1);
  });

  it('is decided again when the one before it was not committed, though its streams stand where they were expected', async () => {
    await receive(1);
    const used = engine();
    const refuse = () => Promise.reject(Object.assign(new Error('refused'), { code: '22000' }));
    const lock = used.store.lockStreams.bind(used.store);
    let batches = 0;
    used.store.lockStreams = async (client, ids) => {
      // As many events as the first batch would have written, but another one: the second order's piece is there.
      if ((batches += 1) === 2) {
        await append(streamId('stock', SKU), 1, [{ type: 'StockReceived', data: { sku: SKU, quantity: 1, reference: null } }]);
      }
      return await lock(client, ids);
    };
    const results = await submitBoth(used, await placeMany(2), async () => undefined, refuse);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    await times('OrderConfirmed', 1);
    expect(await count('StockReservationRejected')).toBe(0);
  });
});
