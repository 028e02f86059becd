import { describe, expect, it } from 'vitest';
import { cancelled, confirmed, orderStream, placed, rejected } from '../testing/events.js';
import { fold } from '../testing/fold.js';
import { overviewProjection } from './overview.projection.js';

/** Proves: each order is in the hour it was placed in, under the status it has now; confirmation is measured by the server's clock. */
describe('the overview projection', () => {
  const hours = (events: ReturnType<typeof orderStream>) =>
    fold(overviewProjection, events).overview_hours!.filter(({ orders }) => orders !== 0);

  it('moves an order from status to status within its hour', () => {
    const lines = [
      ['A', 2, 50],
      ['B', 1, 25],
    ] as const;
    const order = (...then: Parameters<typeof orderStream>[1]) => orderStream('o1', [placed('o1', { lines }), ...then]);
    const counted = { hour: '2010-12-01T08:00:00.000Z', currency: 'GBP', orders: 1, lines: 2, units: 3, total: 125 };
    expect(hours(order())).toEqual([{ ...counted, status: 'placed' }]);
    expect(hours(order(confirmed('o1')))).toEqual([{ ...counted, status: 'confirmed' }]);
    expect(hours(order(rejected('o1')))).toEqual([{ ...counted, status: 'rejected' }]);
    expect(hours(order(confirmed('o1'), cancelled('o1', 'confirmed')))).toEqual([{ ...counted, status: 'cancelled' }]);
  });

  it('goes by the hour of business time, whatever hour it is confirmed in', () => {
    const late = { ...confirmed('o1'), occurredAt: '2010-12-01T11:59:00.000Z' };
    expect(hours(orderStream('o1', [placed('o1'), late])).map(({ hour }) => hour)).toEqual(['2010-12-01T08:00:00.000Z']);
  });

  it('leaves a row at zero where an order moved on, so that how events were batched does not show', () => {
    const { overview_hours } = fold(overviewProjection, orderStream('o1', [placed('o1'), confirmed('o1')]));
    expect(overview_hours!.map(({ status, orders }) => [status, orders])).toEqual([
      ['placed', 0],
      ['confirmed', 1],
    ]);
  });

  it('measures confirmation from recorded to recorded, and keeps it when the order is cancelled', () => {
    const { overview_orders } = fold(
      overviewProjection,
      orderStream('o1', [
        { ...placed('o1'), recordedAt: '2026-11-21T10:00:00.100Z' },
        { ...confirmed('o1'), recordedAt: '2026-11-21T10:00:00.142Z' },
        cancelled('o1', 'confirmed'),
      ]),
    );
    expect(overview_orders).toEqual([expect.objectContaining({ status: 'cancelled', confirmationMs: 42 })]);
  });
});
