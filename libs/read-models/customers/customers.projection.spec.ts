import { describe, expect, it } from 'vitest';
import { cancelled, confirmed, orderStream, placed, rejected } from '../testing/events.js';
import { fold } from '../testing/fold.js';
import { customersProjection } from './customers.projection.js';

/** Proves: spend is what was confirmed and not cancelled, by currency; first and last go by business time, not by arrival. */
describe('the customers projection', () => {
  const from = (day: string, ...[id, ...rest]: Parameters<typeof placed>) => ({
    ...placed(id, ...rest),
    occurredAt: `2010-12-${day}T09:00:00.000Z`,
  });

  it('counts orders by how they ended and adds up what was confirmed and kept', () => {
    const { customers, customer_spend } = fold(customersProjection, [
      ...orderStream('o1', [placed('o1', { lines: [['A', 1, 100]] }), confirmed('o1')]),
      ...orderStream('o2', [placed('o2', { lines: [['A', 1, 40]] }), confirmed('o2'), cancelled('o2', 'confirmed')]),
      ...orderStream('o3', [placed('o3'), cancelled('o3', 'placed')]),
      ...orderStream('o4', [placed('o4'), rejected('o4')]),
      ...orderStream('o5', [placed('o5')]),
    ]);
    expect(customers).toEqual([
      expect.objectContaining({ customerId: '17850', orders: 5, confirmedOrders: 1, cancelledOrders: 2, rejectedOrders: 1 }),
    ]);
    expect(customer_spend).toEqual([{ customerId: '17850', currency: 'GBP', confirmedOrders: 1, spend: 100 }]);
  });

  it('keeps currencies apart', () => {
    const { customer_spend } = fold(customersProjection, [
      ...orderStream('o1', [placed('o1', { lines: [['A', 1, 100]] }), confirmed('o1')]),
      ...orderStream('o2', [placed('o2', { currency: 'EUR', lines: [['A', 1, 30]] }), confirmed('o2')]),
    ]);
    expect(customer_spend).toEqual([
      { customerId: '17850', currency: 'GBP', confirmedOrders: 1, spend: 100 },
      { customerId: '17850', currency: 'EUR', confirmedOrders: 1, spend: 30 },
    ]);
  });

  it('takes name and country from the latest order by business time, however late it arrives', () => {
    const orders = [
      orderStream('o1', [from('05', 'o1', { name: 'Ann', country: 'EIRE' })]),
      orderStream('o2', [from('01', 'o2', { name: 'A. Old', country: 'France' })]),
      orderStream('o3', [from('03', 'o3', { name: null, country: null })]),
    ];
    const expected = expect.objectContaining({
      name: 'Ann',
      country: 'EIRE',
      firstOrderAt: '2010-12-01T09:00:00.000Z',
      lastOrderAt: '2010-12-05T09:00:00.000Z',
      lastOrderId: 'o1',
    });
    expect(fold(customersProjection, orders.flat()).customers).toEqual([expected]);
    expect(fold(customersProjection, orders.toReversed().flat()).customers).toEqual([expected]);
  });

  it('knows guests by their id', () => {
    const { customers } = fold(customersProjection, orderStream('o1', [placed('o1', { customerId: 'guest-536365' })]));
    expect(customers).toEqual([expect.objectContaining({ customerId: 'guest-536365', guest: true })]);
  });
});
