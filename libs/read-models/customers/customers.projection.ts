import type { OrderEvent } from '#domain';
import { isGuest } from '../orders/guest.js';
import { change, type Change } from '../projection/change-set.js';
import { defineProjection, known } from '../projection/projection.js';
import { tableOf, type Written } from '../projection/table.js';
import { CustomerOrderRow } from './customer-order.entity.js';
import { CustomerSpendRow } from './customer-spend.entity.js';
import { CustomerRow } from './customer.entity.js';

export const customersTable = tableOf(CustomerRow, {
  rules: {
    name: 'latest',
    email: 'latest',
    country: 'latest',
    orders: 'sum',
    confirmedOrders: 'sum',
    rejectedOrders: 'sum',
    cancelledOrders: 'sum',
    firstOrderAt: 'min',
    lastOrderAt: 'latest',
    lastOrderId: 'latest',
  },
  latestBy: ['lastOrderAt', 'lastOrderId'],
});
export const customerSpendTable = tableOf(CustomerSpendRow, { rules: { confirmedOrders: 'sum', spend: 'sum' } });
export const customerOrdersTable = tableOf(CustomerOrderRow);

type Order = Written<CustomerOrderRow>;

/** What customers ordered and spent. */
export const customersProjection = defineProjection<'customers', OrderEvent, Order>({
  name: 'customers',
  category: 'order',
  tables: [customersTable, customerSpendTable, customerOrdersTable],
  state: customerOrdersTable,
  project(event, state) {
    switch (event.type) {
      case 'OrderPlaced': {
        const { orderId, customer, currency, total } = event.data;
        const order: Order = { orderId, customerId: customer.id, currency, total, status: 'placed' };
        const details = { name: customer.name, email: customer.email, country: customer.country };
        const dates = { firstOrderAt: event.occurredAt, lastOrderAt: event.occurredAt, lastOrderId: orderId };
        return [change(customerOrdersTable, order), counted(order, { orders: 1 }, { ...details, ...dates }), spent(order, 0)];
      }
      case 'OrderConfirmed': {
        const order = known(state, event);
        return [change(customerOrdersTable, { ...order, status: 'confirmed' }), counted(order, { confirmedOrders: 1 }), spent(order, 1)];
      }
      case 'OrderRejected': {
        const order = known(state, event);
        return [change(customerOrdersTable, { ...order, status: 'rejected' }), counted(order, { rejectedOrders: 1 })];
      }
      case 'OrderCancelled': {
        const order = known(state, event);
        const confirmed = order.status === 'confirmed' ? 1 : 0;
        return [
          change(customerOrdersTable, { ...order, status: 'cancelled' }),
          counted(order, { cancelledOrders: 1, confirmedOrders: -confirmed }),
          ...(confirmed ? [spent(order, -1)] : []),
        ];
      }
    }
  },
});

const NOTHING = { orders: 0, confirmedOrders: 0, rejectedOrders: 0, cancelledOrders: 0 };
/** Null dates: a row that says nothing about who the customer is or when they ordered. */
const NOBODY = { name: null, email: null, country: null, firstOrderAt: null, lastOrderAt: null, lastOrderId: null };

function counted({ customerId }: Order, counts: Partial<typeof NOTHING>, about: object = {}): Change {
  return { table: customersTable, row: { customerId, guest: isGuest(customerId), ...NOTHING, ...counts, ...NOBODY, ...about } };
}

/** `sign`: 1 adds the order to the customer's spend, -1 takes it back, 0 only sees to it that the row exists. */
const spent = ({ customerId, currency, total }: Order, sign: -1 | 0 | 1): Change =>
  change(customerSpendTable, { customerId, currency, confirmedOrders: sign, spend: sign * total });
