import { DomainError } from '../domain-error.js';
import type { Decider } from '../domain-event.js';
import { mendText, requireText } from '../text.js';
import { ORDER_LIMITS, placedOrder } from './order-placement.js';
import type { CancelOrder, OrderCommand, PlaceOrder, RejectOrder } from './order.commands.js';
import type { OrderCancelled, OrderEvent, OrderLine, OrderPlaced, OrderRejectionReason } from './order.events.js';

export type { OrderCommand };

/** What is kept of a placed order. No personal data: no rule needs it, and so no cache or snapshot ever holds it. */
interface PlacedOrder {
  readonly orderId: string;
  readonly reference: string | null;
  readonly customerId: string;
  readonly currency: string;
  readonly lines: readonly OrderLine[];
  /** Minor units. */
  readonly total: number;
}

export type OrderState =
  | { readonly status: 'absent' }
  | (PlacedOrder & { readonly status: 'placed' | 'confirmed' })
  | (PlacedOrder & { readonly status: 'rejected'; readonly reason: OrderRejectionReason })
  | (PlacedOrder & { readonly status: 'cancelled'; readonly reason: string; readonly cancelledFrom: 'placed' | 'confirmed' });

export type OrderStatus = Exclude<OrderState['status'], 'absent'>;

/** placed → confirmed | rejected | cancelled; confirmed → cancelled. Rejected and cancelled are the end. */
export const orderDecider: Decider<OrderState, OrderCommand, OrderEvent> = {
  initialState: { status: 'absent' },

  decide(command, state) {
    switch (command.type) {
      case 'PlaceOrder':
        return place(command.data, state);
      case 'ConfirmOrder':
        return confirm(state);
      case 'RejectOrder':
        return reject(command.data, state);
      case 'CancelOrder':
        return cancel(command.data, state);
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'OrderPlaced':
        return { status: 'placed', ...kept(event.data) };
      case 'OrderConfirmed':
        return { ...existing(state), status: 'confirmed' };
      case 'OrderRejected':
        return { ...existing(state), status: 'rejected', reason: event.data.reason };
      case 'OrderCancelled':
        return { ...existing(state), status: 'cancelled', reason: event.data.reason, cancelledFrom: event.data.cancelledFrom };
    }
  },
};

function place(data: PlaceOrder['data'], state: OrderState): OrderEvent[] {
  const placed = placedOrder(data);
  if (state.status === 'absent') return [{ type: 'OrderPlaced', data: placed }];
  if (isSameOrder(state, kept(placed))) return [];
  throw new DomainError('order.already-placed', `order ${state.orderId} was placed before, and otherwise`);
}

function confirm(state: OrderState): OrderEvent[] {
  const { status, orderId } = existing(state);
  if (status === 'placed') return [{ type: 'OrderConfirmed', data: { orderId } }];
  if (status === 'confirmed') return [];
  throw ended(status, orderId);
}

function reject({ reason }: RejectOrder['data'], state: OrderState): OrderEvent[] {
  const { status, orderId } = existing(state);
  if (status === 'placed') return [{ type: 'OrderRejected', data: { orderId, reason: { ...reason, detail: mendText(reason.detail) } } }];
  if (status === 'rejected') return [];
  throw ended(status, orderId);
}

function cancel(data: CancelOrder['data'], state: OrderState): OrderEvent[] {
  const { status, orderId } = existing(state);
  if (status === 'cancelled') return [];
  if (status === 'rejected') throw ended(status, orderId);
  const reason = requireText(data.reason, ORDER_LIMITS.reason, 'order.text-invalid', 'reason');
  return [cancelled({ orderId, reason, cancelledFrom: status })];
}

const cancelled = (data: OrderCancelled['data']): OrderCancelled => ({ type: 'OrderCancelled', data });

function ended(status: OrderStatus, orderId: string): DomainError {
  const code = status === 'cancelled' ? 'order.cancelled' : status === 'rejected' ? 'order.already-rejected' : 'order.already-confirmed';
  return new DomainError(code, `order ${orderId} is ${status}`);
}

function existing(state: OrderState): Exclude<OrderState, { status: 'absent' }> {
  if (state.status === 'absent') throw new DomainError('order.not-found', 'there is no such order');
  return state;
}

const kept = ({ orderId, reference, customer, currency, lines, total }: OrderPlaced['data']): PlacedOrder => ({
  orderId,
  reference,
  customerId: customer.id,
  currency,
  lines,
  total,
});

function isSameOrder(one: PlacedOrder, other: PlacedOrder): boolean {
  const lineKey = (line: OrderLine) => JSON.stringify([line.sku, line.description, line.quantity, line.unitPrice]);
  return (
    one.reference === other.reference &&
    one.customerId === other.customerId &&
    one.currency === other.currency &&
    one.lines.length === other.lines.length &&
    one.lines.every((line, index) => lineKey(line) === lineKey(other.lines[index]!))
  );
}
