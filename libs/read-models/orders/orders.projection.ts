import type { OrderEvent } from '#domain';
import { change, type Change } from '../projection/change-set.js';
import type { Projected } from '../projection/projected-event.js';
import { defineProjection, known } from '../projection/projection.js';
import { tableOf, type Written } from '../projection/table.js';
import { isGuest } from './guest.js';
import { OrderHistoryRow } from './order-history.entity.js';
import { OrderLineRow } from './order-line.entity.js';
import { OrderRow, type OrderStatus } from './order.entity.js';

export const ordersTable = tableOf(OrderRow);
export const orderLinesTable = tableOf(OrderLineRow, { appendOnly: true });
export const orderHistoryTable = tableOf(OrderHistoryRow, { appendOnly: true });

type Order = Written<OrderRow>;

/** Orders as they stand, their lines, and every status they took. */
export const ordersProjection = defineProjection<'orders', OrderEvent, Order>({
  name: 'orders',
  category: 'order',
  tables: [ordersTable, orderLinesTable, orderHistoryTable],
  state: ordersTable,
  project(event, order) {
    const at = { occurred: event.occurredAt, recorded: event.recordedAt };
    switch (event.type) {
      case 'OrderPlaced':
        return [
          change(ordersTable, placed(event)),
          ...event.data.lines.map(({ lineNo, sku, description, quantity, unitPrice }) =>
            change(orderLinesTable, { orderId: event.data.orderId, lineNo, sku, description, quantity, unitPrice }),
          ),
          took('placed', event, null),
        ];
      case 'OrderConfirmed':
        return [
          change(ordersTable, {
            ...known(order, event),
            status: 'confirmed',
            confirmedAt: at.occurred,
            confirmedRecordedAt: at.recorded,
            version: event.version,
          }),
          took('confirmed', event, null),
        ];
      case 'OrderRejected':
        return [
          change(ordersTable, {
            ...known(order, event),
            status: 'rejected',
            rejectedAt: at.occurred,
            rejectedRecordedAt: at.recorded,
            refusalCode: event.data.reason.code,
            refusalDetail: event.data.reason.detail,
            shortages: event.data.reason.shortages === undefined ? null : [...event.data.reason.shortages],
            version: event.version,
          }),
          took('rejected', event, event.data.reason.detail),
        ];
      case 'OrderCancelled':
        return [
          change(ordersTable, {
            ...known(order, event),
            status: 'cancelled',
            cancelledAt: at.occurred,
            cancelledRecordedAt: at.recorded,
            cancelReason: event.data.reason,
            cancelledFrom: event.data.cancelledFrom,
            version: event.version,
          }),
          took('cancelled', event, event.data.reason),
        ];
    }
  },
});

type Placed = Extract<Projected<OrderEvent>, { type: 'OrderPlaced' }>;

const placed = ({ data, version, occurredAt, recordedAt }: Placed): Order => ({
  orderId: data.orderId,
  reference: data.reference,
  status: 'placed',
  customerId: data.customer.id,
  guest: isGuest(data.customer.id),
  country: data.customer.country,
  currency: data.currency,
  total: data.total,
  lineCount: data.lines.length,
  units: data.lines.reduce((units, { quantity }) => units + quantity, 0),
  placedAt: occurredAt,
  placedRecordedAt: recordedAt,
  confirmedAt: null,
  confirmedRecordedAt: null,
  rejectedAt: null,
  rejectedRecordedAt: null,
  cancelledAt: null,
  cancelledRecordedAt: null,
  refusalCode: null,
  refusalDetail: null,
  shortages: null,
  cancelReason: null,
  cancelledFrom: null,
  version,
});

const took = (status: OrderStatus, event: Projected<OrderEvent>, detail: string | null): Change =>
  change(orderHistoryTable, {
    orderId: event.data.orderId,
    version: event.version,
    status,
    detail,
    actor: event.actor,
    eventId: event.id,
    occurredAt: event.occurredAt,
    recordedAt: event.recordedAt,
  });
