import { stockDecider, type FulfilmentState, type OrderState, type StockEvent, type StockState } from '#domain';
import type { GatewayPayment } from './gateway-book.js';

export interface EndedOrder {
  readonly order: OrderState;
  readonly fulfilment: FulfilmentState;
}

/** Neither side waits for anything any more, and both say the same. */
export const hasEnded = ({ order, fulfilment }: EndedOrder): boolean =>
  fulfilment.status === order.status && (order.status === 'confirmed' || order.status === 'rejected' || order.status === 'cancelled');

/** What does not hold of an ended order's money, by the gateway's own book. */
export function moneyViolations({ order, fulfilment }: EndedOrder, payment: GatewayPayment | undefined): string[] {
  const found: string[] = [];
  const at = `an order is ${order.status}`;
  const { captures = 0, refunds = 0, status } = payment ?? {};
  if (captures > 1 || refunds > 1) found.push(`${at}: charged ${captures} times, refunded ${refunds} times`);
  if (order.status === 'confirmed') {
    if (status !== 'captured') found.push(`${at}, but its payment is ${status ?? 'none'}`);
    else if (fulfilment.status === 'not-started' || payment?.amount !== fulfilment.amount)
      found.push(`${at}, but ${payment?.amount} was charged`);
  } else if (status === 'authorized' || status === 'captured') {
    found.push(`${at}, but its payment is ${status}`);
  }
  return found;
}

/** Pieces by SKU that confirmed orders are for. */
export function soldPieces(orders: readonly EndedOrder[]): Map<string, number> {
  const sold = new Map<string, number>();
  for (const { order, fulfilment } of orders) {
    if (order.status !== 'confirmed' || fulfilment.status === 'not-started') continue;
    for (const { sku, quantity } of fulfilment.items) sold.set(sku, (sold.get(sku) ?? 0) + quantity);
  }
  return sold;
}

/** What does not hold of a SKU once all orders have ended, or did not at any of its versions. */
export function stockViolations(sku: string, events: readonly StockEvent[], sold: ReadonlyMap<string, number>): string[] {
  const found: string[] = [];
  let state: StockState = stockDecider.initialState;
  events.forEach((event, index) => {
    state = stockDecider.evolve(state, event);
    if (state.onHand < 0 || state.reserved < 0 || state.reserved > state.onHand) {
      found.push(`stock ${sku}@${index + 1}: ${state.onHand} on hand, ${state.reserved} reserved`);
    }
  });
  const { received, adjusted, returned, onHand, shipped, reservations } = state;
  if (received + adjusted + returned !== onHand + shipped) found.push(`stock ${sku}: pieces do not add up: ${JSON.stringify(state)}`);
  if (reservations.length > 0) found.push(`stock ${sku}: reserved for ever: ${JSON.stringify(reservations)}`);
  const wanted = sold.get(sku) ?? 0;
  if (shipped - returned !== wanted)
    found.push(`stock ${sku}: ${shipped - returned} pieces left the house, confirmed orders are for ${wanted}`);
  return found;
}
