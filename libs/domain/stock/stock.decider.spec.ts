// Proves the stock rules: what may be promised, shipped and taken back, in given-when-then form.
import { describe, expect, it } from 'vitest';
import { fold } from '../domain-event.js';
import { given } from '../testing/given-when-then.js';
import type { StockCommand } from './stock.commands.js';
import { availableStock, stockDecider } from './stock.decider.js';
import type { StockEvent } from './stock.events.js';

const sku = '85123A';
const receive = (quantity: number): StockCommand => ({ type: 'ReceiveStock', data: { sku, quantity, reference: null } });
const adjust = (delta: number, reason = 'count'): StockCommand => ({ type: 'AdjustStock', data: { sku, delta, reason } });
const reserve = (orderId: string, quantity: number): StockCommand => ({ type: 'ReserveStock', data: { sku, orderId, quantity } });
const release = (orderId: string): StockCommand => ({ type: 'ReleaseStock', data: { sku, orderId } });
const ship = (orderId: string): StockCommand => ({ type: 'ShipStock', data: { sku, orderId } });
const takeBack = (orderId: string, quantity: number): StockCommand => ({ type: 'ReturnStock', data: { sku, orderId, quantity } });

const received = (quantity: number): StockEvent => ({ type: 'StockReceived', data: { sku, quantity, reference: null } });
const adjusted = (delta: number): StockEvent => ({ type: 'StockAdjusted', data: { sku, delta, reason: 'count' } });
const reserved = (orderId: string, quantity: number): StockEvent => ({ type: 'StockReserved', data: { sku, orderId, quantity } });
const released = (orderId: string, quantity: number): StockEvent => ({ type: 'StockReleased', data: { sku, orderId, quantity } });
const shipped = (orderId: string, quantity: number): StockEvent => ({ type: 'StockShipped', data: { sku, orderId, quantity } });
const returned = (orderId: string, quantity: number): StockEvent => ({ type: 'StockReturned', data: { sku, orderId, quantity } });
const refused = (orderId: string, requested: number, available: number): StockEvent => ({
  type: 'StockReservationRejected',
  data: { sku, orderId, requested, available },
});

const when = (events: StockEvent[], command: StockCommand) => given(stockDecider, events).when(command);
const most = Number.MAX_SAFE_INTEGER - 1;

describe('receiving and adjusting', () => {
  it('receives pieces, each time anew', () => {
    expect(when([], receive(10))).toEqual([received(10)]);
    expect(when([received(10)], receive(10))).toEqual([received(10)]);
  });

  it('writes the SKU in its one spelling', () => {
    expect(when([], { type: 'ReceiveStock', data: { sku: ' 85123a', quantity: 1, reference: 'GRN 7' } })).toEqual([
      { type: 'StockReceived', data: { sku, quantity: 1, reference: 'GRN 7' } },
    ]);
    expect(when([], { type: 'ReceiveStock', data: { sku: ' ', quantity: 1, reference: null } })).toBe('sku.invalid');
  });

  it.each([0, -1, 0.5, Number.NaN, Number.MAX_SAFE_INTEGER])('refuses a receipt of %s pieces', (quantity) => {
    expect(when([], receive(quantity))).toBe('stock.quantity-invalid');
  });

  it('refuses totals that could not be added exactly', () => {
    expect(when([], receive(most))).toEqual([received(most)]);
    expect(when([received(most)], receive(1))).toBe('stock.total-too-large');
    expect(when([received(most)], adjust(1))).toBe('stock.total-too-large');
    const allBack = [received(most), reserved('a', most), shipped('a', most), returned('a', most)];
    expect(when([...allBack, reserved('b', 1)], ship('b'))).toBe('stock.total-too-large');
    const replaced = [received(most), reserved('a', 2), shipped('a', 2), adjusted(2)];
    expect(when(replaced, takeBack('a', 1))).toBe('stock.total-too-large');
  });

  it('adjusts down to what is reserved, and no further', () => {
    const events = [received(10), reserved('a', 4)];
    expect(when(events, adjust(-6))).toEqual([adjusted(-6)]);
    expect(when(events, adjust(-7))).toBe('stock.below-reserved');
    expect(when(events, adjust(-11))).toBe('stock.below-zero');
  });

  it('tracks a SKU found before any receipt', () => {
    expect(when([], adjust(3))).toEqual([adjusted(3)]);
    expect(when([], adjust(-3))).toBe('stock.below-zero');
  });

  it.each([0, -0, 1.5, Number.NaN, -Number.MAX_SAFE_INTEGER])('refuses an adjustment by %s', (delta) => {
    expect(when([received(10)], adjust(delta))).toBe('stock.delta-invalid');
  });

  it('refuses an adjustment without a storable reason', () => {
    expect(when([received(10)], adjust(1, ' '))).toBe('stock.text-invalid');
    expect(when([received(10)], adjust(1, '\0'))).toBe('stock.text-invalid');
  });
});

describe('reserving', () => {
  it('reserves up to the last available piece', () => {
    expect(when([received(10), reserved('a', 4)], reserve('b', 6))).toEqual([reserved('b', 6)]);
  });

  it('answers a shortage with an event, as someone waits for it', () => {
    expect(when([received(10), reserved('a', 4)], reserve('b', 7))).toEqual([refused('b', 7, 6)]);
    expect(when([], reserve('a', 1))).toEqual([refused('a', 1, 0)]);
  });

  it('does nothing for a repeat while the reservation is open, also when nothing is left', () => {
    expect(when([received(10), reserved('a', 10)], reserve('a', 10))).toEqual([]);
  });

  it('refuses another quantity for an order that has a reservation', () => {
    expect(when([received(10), reserved('a', 4)], reserve('a', 5))).toBe('stock.reserved-otherwise');
  });

  it('asks anew after a refusal: a refusal is remembered by whoever asked', () => {
    expect(when([refused('a', 5, 0), received(5)], reserve('a', 5))).toEqual([reserved('a', 5)]);
  });

  it('refuses to reserve nothing', () => {
    expect(when([received(10)], reserve('a', 0))).toBe('stock.quantity-invalid');
  });
});

describe('releasing, shipping and returning', () => {
  it('releases what was reserved, and does nothing for an order without a reservation', () => {
    expect(when([received(10), reserved('a', 4)], release('a'))).toEqual([released('a', 4)]);
    expect(when([received(10), reserved('a', 4), released('a', 4)], release('a'))).toEqual([]);
    expect(when([received(10)], release('a'))).toEqual([]);
  });

  it('ships what was reserved', () => {
    expect(when([received(10), reserved('a', 4), reserved('b', 1)], ship('a'))).toEqual([shipped('a', 4)]);
  });

  it('refuses to ship without a reservation', () => {
    expect(when([received(10)], ship('a'))).toBe('stock.not-reserved');
    expect(when([received(10), reserved('a', 4), released('a', 4)], ship('a'))).toBe('stock.not-reserved');
    expect(when([received(10), reserved('a', 4), shipped('a', 4)], ship('a'))).toBe('stock.not-reserved');
  });

  it('takes back at most what was shipped', () => {
    const events = [received(10), reserved('a', 4), shipped('a', 4)];
    expect(when(events, takeBack('a', 4))).toEqual([returned('a', 4)]);
    expect(when([...events, returned('a', 3)], takeBack('a', 1))).toEqual([returned('a', 1)]);
    expect(when([...events, returned('a', 3)], takeBack('a', 2))).toBe('stock.return-exceeds-shipped');
    expect(when([received(10)], takeBack('a', 1))).toBe('stock.return-exceeds-shipped');
    expect(when(events, takeBack('a', 0))).toBe('stock.quantity-invalid');
  });
});

describe('the state', () => {
  it('holds running totals and the open reservations', () => {
    const events = [received(20), adjusted(-2), reserved('a', 4), reserved('b', 3), reserved('c', 2), shipped('a', 4), released('b', 3)];
    expect(fold(stockDecider, [...events, returned('a', 1), refused('d', 99, 13)])).toEqual({
      status: 'tracked',
      onHand: 15,
      reserved: 2,
      received: 20,
      adjusted: -2,
      shipped: 4,
      returned: 1,
      reservations: [{ orderId: 'c', quantity: 2 }],
    });
  });

  it('offers what is on hand and not reserved', () => {
    expect(availableStock(fold(stockDecider, [received(20), reserved('a', 4)]))).toBe(16);
  });

  it('stays untracked when all that happened is a refusal', () => {
    expect(fold(stockDecider, [refused('a', 1, 0)])).toEqual(stockDecider.initialState);
  });
});
