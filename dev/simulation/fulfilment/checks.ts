import {
  evolveFulfilment,
  initialFulfilment,
  orderDecider,
  streamId,
  type FulfilmentEvent,
  type FulfilmentState,
  type OrderEvent,
  type OrderState,
  type StockEvent,
} from '#domain';
import type { EventStoreSide } from './event-store-side.js';
import type { GatewayBook } from './gateway-book.js';
import { moneyViolations, soldPieces, stockViolations, type EndedOrder } from './money-and-goods.js';

export function orderOf(store: EventStoreSide, orderId: string): EndedOrder {
  const fold = <State, Event>(id: string, initial: State, evolve: (state: State, event: Event) => State): State =>
    (store.committed(id) as unknown as Event[]).reduce(evolve, initial);
  return {
    order: fold<OrderState, OrderEvent>(streamId('order', orderId), orderDecider.initialState, orderDecider.evolve),
    fulfilment: fold<FulfilmentState, FulfilmentEvent>(streamId('fulfilment', orderId), initialFulfilment, evolveFulfilment),
  };
}

/** What does not hold of money and goods once every order has ended. */
export function violations(orderIds: readonly string[], store: EventStoreSide, book: GatewayBook): string[] {
  const orders = orderIds.map((orderId) => orderOf(store, orderId));
  const found = orderIds.flatMap((orderId, index) => {
    const payment = book.payments.get(orderId);
    const types = store.committed(streamId('order', orderId)).map(({ type }) => type);
    const twice = new Set(types).size < types.length ? [`something happened twice: ${types.join(', ')}`] : [];
    const money = moneyViolations(orders[index] as EndedOrder, payment);
    return [...money, ...twice, ...recordViolations(orderId, store, payment?.status)].map((what) => `${orderId.slice(-3)}: ${what}`);
  });
  const sold = soldPieces(orders);
  for (const [id, events] of store.committedOf('stock')) {
    found.push(...stockViolations(id.slice('stock-'.length), events as unknown as StockEvent[], sold));
  }
  return found;
}

/** Our own record of the payment agrees with the gateway's. */
function recordViolations(orderId: string, store: EventStoreSide, status: string | undefined): string[] {
  const types = store.committed(streamId('payment', orderId)).map(({ type }) => type);
  const ours = types.includes('PaymentRefunded') ? 'refunded' : types.includes('PaymentCaptured') ? 'captured' : undefined;
  const theirs = status === 'captured' || status === 'refunded' ? status : undefined;
  return ours === theirs ? [] : [`its payment is ${theirs ?? status ?? 'none'} at the gateway, ${ours ?? 'no money moved'} with us`];
}
