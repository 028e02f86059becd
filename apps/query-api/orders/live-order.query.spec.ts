/** Proves that no more live answers are opened than may be open, and that those which are, end when there is no room to wait. */
import type { DataSource } from 'typeorm';
import { expect, it } from 'vitest';
import { ProjectionWaiter } from '../reading/projection-waiter.js';
import { FollowOrder, FollowOrderHandler } from './live-order.query.js';

/** One change, and nothing after it. */
const change = { orderId: 'o1', version: 1, type: 'OrderPlaced', status: 'placed', reason: null, occurredAt: new Date(0) };
const find = ({ where }: { where: { version: { value: number } } }) => Promise.resolve(where.version.value < 1 ? [change] : []);
const dataSource = { getRepository: () => ({ find }) } as unknown as DataSource;

it('a live answer beyond the bound is refused, and there is room again when one ends', async () => {
  const waiter = new ProjectionWaiter({ maxWaiting: 2, versions: () => Promise.resolve(new Map()) });
  const handler = new FollowOrderHandler(dataSource, waiter);
  const gone = new AbortController();
  const first = waiter.wait('orders', { streamId: 'order-1', version: 1 }, 60_000, gone.signal);
  const second = waiter.wait('orders', { streamId: 'order-1', version: 1 }, 60_000);
  await expect.poll(() => waiter.full).toBe(true);
  const refused = await handler.execute(new FollowOrder('o1', 0)).catch((error: unknown) => error);
  expect(refused).toMatchObject({ status: 503, code: 'overloaded', headers: { 'Retry-After': '5' } });
  gone.abort();
  await first;
  expect((await handler.execute(new FollowOrder('o1', 0))).type).toBe('text/event-stream');
  waiter.close();
  await second;
});
