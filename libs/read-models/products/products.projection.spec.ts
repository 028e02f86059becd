import { describe, expect, it } from 'vitest';
import { cancelled, confirmed, orderStream, placed, rejected } from '../testing/events.js';
import { fold } from '../testing/fold.js';
import { productsProjection } from './products.projection.js';

/** Proves: a product counts what was confirmed and not cancelled, an order once for all its lines, and is called what it was last called. */
describe('the products projection', () => {
  it('counts units and revenue over all lines of a SKU, and the order once', () => {
    const { product_sales } = fold(
      productsProjection,
      orderStream('o1', [
        placed('o1', {
          lines: [
            ['22752', 2, 765],
            ['22752', 1, 850],
            ['71053', 6, 339],
          ],
        }),
        confirmed('o1'),
      ]),
    );
    expect(product_sales).toEqual([
      { sku: '22752', currency: 'GBP', orders: 1, units: 3, revenue: 2 * 765 + 850 },
      { sku: '71053', currency: 'GBP', orders: 1, units: 6, revenue: 6 * 339 },
    ]);
  });

  it('counts nothing of orders that are open, refused or cancelled', () => {
    const { product_sales } = fold(productsProjection, [
      ...orderStream('o1', [placed('o1')]),
      ...orderStream('o2', [placed('o2'), rejected('o2')]),
      ...orderStream('o3', [placed('o3'), cancelled('o3', 'placed')]),
      ...orderStream('o4', [placed('o4'), confirmed('o4'), cancelled('o4', 'confirmed')]),
    ]);
    expect(product_sales).toEqual([{ sku: '85123A', currency: 'GBP', orders: 0, units: 0, revenue: 0 }]);
  });

  it('calls a product what its latest order by business time called it; orders without a description say nothing', () => {
    const on = (day: string, id: string, description: string | null) =>
      orderStream(id, [{ ...placed(id, { lines: [['22752', 1, 1, description]] }), occurredAt: `2010-12-${day}T09:00:00.000Z` }]);
    const orders = [on('02', 'o1', 'SET 7 BABUSHKA NESTING BOXES'), on('01', 'o2', 'BABUSHKA'), on('03', 'o3', null)];
    const expected = [
      {
        sku: '22752',
        description: 'SET 7 BABUSHKA NESTING BOXES',
        describedAt: '2010-12-02T09:00:00.000Z',
        describedByOrder: 'o1',
        describedByLine: 1,
      },
    ];
    expect(fold(productsProjection, orders.flat()).products).toEqual(expected);
    expect(fold(productsProjection, orders.toReversed().flat()).products).toEqual(expected);
  });
});
