import type { OrderEvent, OrderLine } from '#domain';
import { change, type Change } from '../projection/change-set.js';
import { defineProjection, known } from '../projection/projection.js';
import { tableOf, type Written } from '../projection/table.js';
import { ProductOrderRow } from './product-order.entity.js';
import { ProductSalesRow } from './product-sales.entity.js';
import { ProductRow } from './product.entity.js';

export const productsTable = tableOf(ProductRow, {
  rules: { description: 'latest', describedAt: 'latest', describedByOrder: 'latest', describedByLine: 'latest' },
  latestBy: ['describedAt', 'describedByOrder', 'describedByLine'],
});
export const productSalesTable = tableOf(ProductSalesRow, { rules: { orders: 'sum', units: 'sum', revenue: 'sum' } });
export const productOrdersTable = tableOf(ProductOrderRow);

type Order = Written<ProductOrderRow>;

/** What was sold of each SKU, and what it was last called. */
export const productsProjection = defineProjection<'products', OrderEvent, Order>({
  name: 'products',
  category: 'order',
  tables: [productsTable, productSalesTable, productOrdersTable],
  state: productOrdersTable,
  project(event, state) {
    switch (event.type) {
      case 'OrderPlaced': {
        const { orderId, currency, lines } = event.data;
        const order: Order = { orderId, currency, status: 'placed', items: itemsOf(lines) };
        return [change(productOrdersTable, order), ...lines.map((line) => described(line, orderId, event.occurredAt)), ...sold(order, 0)];
      }
      case 'OrderConfirmed': {
        const order = known(state, event);
        return [change(productOrdersTable, { ...order, status: 'confirmed' }), ...sold(order, 1)];
      }
      case 'OrderRejected':
        return [change(productOrdersTable, { ...known(state, event), status: 'rejected' })];
      case 'OrderCancelled': {
        const order = known(state, event);
        return [change(productOrdersTable, { ...order, status: 'cancelled' }), ...(order.status === 'confirmed' ? sold(order, -1) : [])];
      }
    }
  },
});

/** Lines folded by SKU: an order counts once for a SKU, however many lines of it it has. */
function itemsOf(lines: readonly OrderLine[]): Order['items'] {
  const items = new Map<string, Order['items'][number]>();
  for (const { sku, quantity, unitPrice } of lines) {
    const [, units, revenue] = items.get(sku) ?? [sku, 0, 0];
    items.set(sku, [sku, units + quantity, revenue + quantity * unitPrice]);
  }
  return [...items.values()];
}

/** `sign`: 1 adds the order to the sales, -1 takes it back, 0 only sees to it that the rows exist. */
const sold = ({ currency, items }: Order, sign: -1 | 0 | 1): Change[] =>
  items.map(([sku, units, revenue]) =>
    change(productSalesTable, { sku, currency, orders: sign, units: sign * units, revenue: sign * revenue }),
  );

function described({ sku, description, lineNo }: OrderLine, orderId: string, at: string): Change {
  const nothing = { describedAt: null, describedByOrder: null, describedByLine: null };
  const by = description === null ? nothing : { describedAt: at, describedByOrder: orderId, describedByLine: lineNo };
  return change(productsTable, { sku, description, ...by });
}
