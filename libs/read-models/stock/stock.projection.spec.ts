import { describe, expect, it } from 'vitest';
import type { StockEvent } from '#domain';
import { stockStream } from '../testing/events.js';
import { fold } from '../testing/fold.js';
import { stockProjection } from './stock.projection.js';

const sku = '85123A';
const of = { sku, orderId: 'o1' };

/** Proves: movements add up to the level, one row a SKU however many there were. (On hand and available: see the writer's spec.) */
describe('the stock projection', () => {
  const level = (...events: StockEvent[]) => {
    const { stock_levels } = fold(stockProjection, stockStream(sku, events));
    expect(stock_levels).toHaveLength(1);
    return stock_levels![0]!;
  };

  it('adds receipts and adjustments up', () => {
    expect(
      level(
        { type: 'StockReceived', data: { sku, quantity: 100, reference: null } },
        { type: 'StockReceived', data: { sku, quantity: 20, reference: 'PO 7' } },
        { type: 'StockAdjusted', data: { sku, delta: -5, reason: 'broken' } },
      ),
    ).toMatchObject({ received: 120, adjusted: -5, reserved: 0, version: 3, updatedAt: '2010-12-01T08:26:02.005Z' });
  });

  it('takes what is shipped or released off the reservations', () => {
    expect(
      level(
        { type: 'StockReceived', data: { sku, quantity: 100, reference: null } },
        { type: 'StockReserved', data: { ...of, quantity: 30 } },
        { type: 'StockReleased', data: { ...of, quantity: 10 } },
        { type: 'StockShipped', data: { ...of, quantity: 15 } },
        { type: 'StockReturned', data: { ...of, quantity: 5 } },
      ),
    ).toMatchObject({ received: 100, reserved: 5, shipped: 15, returned: 5, version: 5 });
  });

  it('counts refusals, which move nothing', () => {
    expect(level({ type: 'StockReservationRejected', data: { ...of, requested: 3, available: 0 } })).toMatchObject({
      reserved: 0,
      received: 0,
      refusals: 1,
      version: 1,
    });
  });
});
