import { describe, expect, it } from 'vitest';
import { cancelled, confirmed, orderStream, placed, rejected } from '../testing/events.js';
import { fold } from '../testing/fold.js';
import { ordersProjection } from './orders.projection.js';

/** Proves: an order shows its lines as ordered, where it stands, each time in business and server time, and why it was refused. */
describe('the orders projection', () => {
  const fate = (...events: Parameters<typeof orderStream>[1]) => fold(ordersProjection, orderStream('o1', events));

  it('shows a placed order with its totals', () => {
    const { orders } = fate(
      placed('o1', {
        customerId: 'guest-536365',
        currency: 'EUR',
        lines: [
          ['85123A', 6, 255],
          ['71053', 2, 339],
        ],
      }),
    );
    expect(orders).toEqual([
      expect.objectContaining({
        orderId: 'o1',
        status: 'placed',
        customerId: 'guest-536365',
        guest: true,
        currency: 'EUR',
        total: 6 * 255 + 2 * 339,
        lineCount: 2,
        units: 8,
        placedAt: '2010-12-01T08:26:00.000Z',
        placedRecordedAt: '2010-12-01T08:26:00.005Z',
        confirmedAt: null,
        version: 1,
      }),
    ]);
  });

  it('keeps two lines of one SKU apart', () => {
    const { order_lines } = fate(
      placed('o1', {
        lines: [
          ['22752', 2, 765],
          ['22752', 1, 850, 'SET 7 BABUSHKA'],
        ],
      }),
    );
    expect(order_lines).toEqual([
      { orderId: 'o1', lineNo: 1, sku: '22752', description: null, quantity: 2, unitPrice: 765 },
      { orderId: 'o1', lineNo: 2, sku: '22752', description: 'SET 7 BABUSHKA', quantity: 1, unitPrice: 850 },
    ]);
  });

  it('keeps every status with its times, who and why', () => {
    const { orders, order_history } = fate(placed('o1'), confirmed('o1'), cancelled('o1', 'confirmed'));
    expect(orders).toEqual([
      expect.objectContaining({
        status: 'cancelled',
        confirmedAt: '2010-12-01T08:26:01.000Z',
        confirmedRecordedAt: '2010-12-01T08:26:01.005Z',
        cancelledAt: '2010-12-01T08:26:02.000Z',
        cancelReason: 'changed my mind',
        cancelledFrom: 'confirmed',
        rejectedAt: null,
        version: 3,
      }),
    ]);
    expect(
      order_history!.map(({ status, version, detail, actor, occurredAt, recordedAt }) => [
        version,
        status,
        detail,
        actor,
        occurredAt,
        recordedAt,
      ]),
    ).toEqual([
      [1, 'placed', null, 'spec', '2010-12-01T08:26:00.000Z', '2010-12-01T08:26:00.005Z'],
      [2, 'confirmed', null, 'spec', '2010-12-01T08:26:01.000Z', '2010-12-01T08:26:01.005Z'],
      [3, 'cancelled', 'changed my mind', 'spec', '2010-12-01T08:26:02.000Z', '2010-12-01T08:26:02.005Z'],
    ]);
  });

  it('says why an order was refused and what was short', () => {
    const { orders } = fate(placed('o1'), rejected('o1'));
    expect(orders).toEqual([
      expect.objectContaining({
        status: 'rejected',
        refusalCode: 'out-of-stock',
        refusalDetail: '1 SKU is short',
        shortages: [{ sku: '85123A', requested: 6, available: 2 }],
      }),
    ]);
  });

  it('holds no personal data and no payment token', () => {
    const rows = fate(placed('o1', { name: 'Ann Example' }));
    expect(JSON.stringify(rows)).not.toMatch(/Ann Example|tok_ok/);
  });

  it('refuses to go on without the order', () => {
    expect(() => fold(ordersProjection, orderStream('o1', [confirmed('o1')], 1))).toThrow(/order-o1@2 finds no row/);
  });
});
