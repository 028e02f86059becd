// Proves: a waiter answers as soon as the version is there, gives up at its deadline with how far it got, and many waiters cost one look.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ProjectionWaiter } from './projection-waiter.js';

const token = { streamId: 'order-1', version: 2 };
let applied: Map<string, number>;
let looks: number;
let waiter: ProjectionWaiter;

beforeEach(() => {
  vi.useFakeTimers();
  applied = new Map([['order-1', 1]]);
  looks = 0;
  waiter = new ProjectionWaiter({ pollMs: 10, maxWaiting: 50, versions: async () => (looks++, new Map(applied)) });
});
afterEach(() => vi.useRealTimers());

describe('a wait for a version', () => {
  it('ends at once when it is there', async () => {
    applied.set('order-1', 3);
    expect(await waiter.wait('orders', token, 1_000)).toBeUndefined();
    expect(looks).toBe(1);
  });

  it('ends when it arrives', async () => {
    const wait = waiter.wait('orders', token, 1_000);
    await vi.advanceTimersByTimeAsync(100);
    applied.set('order-1', 2);
    await vi.advanceTimersByTimeAsync(10);
    expect(await wait).toBeUndefined();
    expect(waiter.size).toBe(0);
  });

  it('gives up at the deadline and tells how far the source is', async () => {
    const wait = waiter.wait('orders', { streamId: 'order-9', version: 4 }, 100);
    await vi.advanceTimersByTimeAsync(110);
    expect(await wait).toEqual({ streamId: 'order-9', version: 4, source: 'orders', current: 0 });
  });

  it('does not wait at all with a wait of 0', async () => {
    expect(await waiter.wait('orders', token, 0)).toMatchObject({ current: 1 });
  });

  it('looks once a tick however many wait, and never while nobody does', async () => {
    const waits = Array.from({ length: 40 }, () => waiter.wait('orders', token, 1_000));
    await vi.advanceTimersByTimeAsync(9);
    expect(looks).toBe(40);
    await vi.advanceTimersByTimeAsync(50);
    expect(looks).toBe(45);
    applied.set('order-1', 2);
    await vi.advanceTimersByTimeAsync(10);
    expect(await Promise.all(waits)).toEqual(waits.map(() => undefined));
    const before = looks;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(looks).toBe(before);
  });

  it('turns away whoever comes when too many wait already', async () => {
    const waits = Array.from({ length: 50 }, () => waiter.wait('orders', token, 1_000));
    await vi.advanceTimersByTimeAsync(1);
    const told = vi.fn<(lack: unknown) => void>();
    void waiter.wait('orders', token, 1_000).then(told);
    await vi.advanceTimersByTimeAsync(1);
    expect(told.mock.calls).toMatchObject([[{ current: 1 }]]);
    expect(waiter.size).toBe(50);
    waiter.close();
    expect(await Promise.all(waits)).toHaveLength(50);
  });

  it('ends when the client goes away', async () => {
    const abort = new AbortController();
    const wait = waiter.wait('orders', token, 10_000, abort.signal);
    await vi.advanceTimersByTimeAsync(20);
    abort.abort();
    expect(await wait).toMatchObject({ current: 1 });
    expect(waiter.size).toBe(0);
  });

  it('fails those who wait when the look-up fails', async () => {
    let broken = false;
    const fragile = new ProjectionWaiter({ pollMs: 10, versions: async () => (broken ? Promise.reject(new Error('gone')) : new Map()) });
    const wait = fragile.wait('orders', token, 1_000);
    const refusal = expect(wait).rejects.toThrow('gone');
    await vi.advanceTimersByTimeAsync(5);
    broken = true;
    await vi.advanceTimersByTimeAsync(10);
    await refusal;
    expect(fragile.size).toBe(0);
  });
});
