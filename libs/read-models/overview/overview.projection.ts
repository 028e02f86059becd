import type { OrderEvent } from '#domain';
import { isGuest } from '../orders/guest.js';
import type { OrderStatus } from '../orders/order.entity.js';
import { change, type Change } from '../projection/change-set.js';
import { defineProjection, known } from '../projection/projection.js';
import { tableOf, type Written } from '../projection/table.js';
import { OverviewHourRow } from './overview-hour.entity.js';
import { OverviewOrderRow } from './overview-order.entity.js';

export const overviewHoursTable = tableOf(OverviewHourRow, { rules: { orders: 'sum', lines: 'sum', units: 'sum', total: 'sum' } });
export const overviewOrdersTable = tableOf(OverviewOrderRow);

type Order = Written<OverviewOrderRow>;

/** Dashboard figures: orders and money by business hour and status, and how long confirmation took. */
export const overviewProjection = defineProjection<'overview', OrderEvent, Order>({
  name: 'overview',
  category: 'order',
  tables: [overviewHoursTable, overviewOrdersTable],
  state: overviewOrdersTable,
  project(event, state) {
    switch (event.type) {
      case 'OrderPlaced': {
        const { orderId, currency, customer, lines, total } = event.data;
        const order: Order = {
          orderId,
          status: 'placed',
          currency,
          customerId: customer.id,
          guest: isGuest(customer.id),
          placedAt: event.occurredAt,
          placedRecordedAt: event.recordedAt,
          lines: lines.length,
          units: lines.reduce((units, { quantity }) => units + quantity, 0),
          total,
          confirmationMs: null,
        };
        return [change(overviewOrdersTable, order), counted(order, 'placed', 1)];
      }
      case 'OrderConfirmed': {
        const order = known(state, event);
        return moved(order, 'confirmed', Date.parse(event.recordedAt) - Date.parse(order.placedRecordedAt));
      }
      case 'OrderRejected':
        return moved(known(state, event), 'rejected');
      case 'OrderCancelled':
        return moved(known(state, event), 'cancelled');
    }
  },
});

const moved = (order: Order, status: OrderStatus, confirmationMs = order.confirmationMs): Change[] => [
  change(overviewOrdersTable, { ...order, status, confirmationMs }),
  counted(order, order.status, -1),
  counted(order, status, 1),
];

const counted = ({ placedAt, currency, lines, units, total }: Order, status: OrderStatus, sign: 1 | -1): Change =>
  change(overviewHoursTable, {
    hour: `${placedAt.slice(0, 13)}:00:00.000Z`,
    currency,
    status,
    orders: sign,
    lines: sign * lines,
    units: sign * units,
    total: sign * total,
  });
