import {
  evolveFulfilment,
  initialFulfilment,
  orderDecider,
  stockDecider,
  streamId,
  type FulfilmentEvent,
  type FulfilmentState,
  type OrderEvent,
  type OrderState,
  type StockEvent,
  type StockState,
} from '#domain';
import type { EventStoreSide } from './event-store-side.js';
import type { MemoryGateway } from './memory-gateway.js';

export interface EndedOrder {
  readonly order: OrderState;
  readonly fulfilment: FulfilmentState;
}

export function orderOf(store: EventStoreSide, orderId: string): EndedOrder {
  const fold = <State, Event>(id: string, initial: State, evolve: (state: State, event: Event) => State): State =>
    (store.committed(id) as unknown as Event[]).reduce(evolve, initial);
  return {
    order: fold<OrderState, OrderEvent>(streamId('order', orderId), orderDecider.initialState, orderDecider.evolve),
    fulfilment: fold<FulfilmentState, FulfilmentEvent>(streamId('fulfilment', orderId), initialFulfilment, evolveFulfilment),
  };
}

/** Neither side waits for anything any more, and both say the same. */
export const hasEnded = ({ order, fulfilment }: EndedOrder): boolean =>
  fulfilment.status === order.status && (order.status === 'confirmed' || order.status === 'rejected' || order.status === 'cancelled');

/** What does not hold of money and goods once every order has ended. */
export function violations(orderIds: readonly string[], store: EventStoreSide, gateway: MemoryGateway): string[] {
  const found: string[] = [];
  const sold = new Map<string, number>();
  for (const orderId of orderIds) {
    const { order, fulfilment } = orderOf(store, orderId);
    const payment = gateway.payments.get(orderId);
    const [captures, refunds] = [payment?.captures ?? 0, payment?.refunds ?? 0];
    const at = `order ${orderId.slice(-3)} is ${order.status}`;
    if (captures > 1 || refunds > 1) found.push(`${at}: charged ${captures} times, refunded ${refunds} times`);
    if (order.status === 'confirmed') {
      if (payment?.status !== 'captured') found.push(`${at}, but its payment is ${payment?.status ?? 'none'}`);
      if (order.status === 'confirmed' && fulfilment.status !== 'not-started' && payment?.amount !== fulfilment.amount) {
        found.push(`${at}, but ${payment?.amount} was charged`);
      }
      if (fulfilment.status !== 'not-started') {
        for (const { sku, quantity } of fulfilment.items) sold.set(sku, (sold.get(sku) ?? 0) + quantity);
      }
    } else if (payment?.status === 'authorized' || payment?.status === 'captured') {
      found.push(`${at}, but its payment is ${payment.status}`);
    }
    const types = store.committed(streamId('order', orderId)).map(({ type }) => type);
    if (new Set(types).size < types.length) found.push(`${at}: something happened twice: ${types.join(', ')}`);
    found.push(...paymentsOwnStory(orderId, store, payment?.status));
  }
  for (const [id, events] of store.committedOf('stock')) found.push(...stockViolations(id, events as unknown as StockEvent[], sold));
  return found;
}

/** Our own record of the payment agrees with the gateway's. */
function paymentsOwnStory(orderId: string, store: EventStoreSide, status: string | undefined): string[] {
  const types = store.committed(streamId('payment', orderId)).map(({ type }) => type);
  const isBelieved = (type: string): boolean => types.includes(type);
  const ours = isBelieved('PaymentRefunded') ? 'refunded' : isBelieved('PaymentCaptured') ? 'captured' : undefined;
  const theirs = status === 'captured' || status === 'refunded' ? status : undefined;
  return ours === theirs
    ? []
    : [`payment ${orderId.slice(-3)} is ${theirs ?? status ?? 'none'} at the gateway, ${ours ?? 'no money moved'} with us`];
}

function stockViolations(id: string, events: readonly StockEvent[], sold: ReadonlyMap<string, number>): string[] {
  const found: string[] = [];
  let state: StockState = stockDecider.initialState;
  events.forEach((event, index) => {
    state = stockDecider.evolve(state, event);
    if (state.onHand < 0 || state.reserved < 0 || state.reserved > state.onHand) {
      found.push(`${id}@${index + 1}: ${state.onHand} on hand, ${state.reserved} reserved`);
    }
  });
  const { received, adjusted, returned, onHand, shipped, reservations } = state;
  if (received + adjusted + returned !== onHand + shipped) found.push(`${id}: pieces do not add up: ${JSON.stringify(state)}`);
  if (reservations.length > 0) found.push(`${id}: reserved for ever: ${JSON.stringify(reservations)}`);
  const wanted = sold.get(id.slice('stock-'.length)) ?? 0;
  if (shipped - returned !== wanted) found.push(`${id}: ${shipped - returned} pieces left the house, confirmed orders are for ${wanted}`);
  return found;
}
