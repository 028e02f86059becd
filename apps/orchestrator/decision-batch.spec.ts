/** Proves that orders decided together compete for stock correctly, and that an input which breaks a rule leaves no trace. */
import { initialFulfilment, orderDecider, paymentDecider, stockDecider, streamId, type FulfilmentInput } from '#domain';
import { describe, expect, it } from 'vitest';
import { DecisionBatch, type BatchStates } from './decision-batch.js';

const SKU = '85123A';

function states(orderIds: readonly string[], stock: Record<string, number>): BatchStates {
  const placed = (orderId: string) =>
    orderDecider
      .decide(
        {
          type: 'PlaceOrder',
          data: {
            orderId,
            reference: null,
            customer: { id: '17850', name: null, email: null, country: null },
            currency: 'GBP',
            lines: [{ sku: SKU, description: null, quantity: 1, unitPrice: 255 }],
            paymentToken: 'tok_ok',
          },
        },
        orderDecider.initialState,
      )
      .reduce(orderDecider.evolve, orderDecider.initialState);
  const received = (sku: string, quantity: number) =>
    stockDecider
      .decide({ type: 'ReceiveStock', data: { sku, quantity, reference: null } }, stockDecider.initialState)
      .reduce(stockDecider.evolve, stockDecider.initialState);
  return {
    fulfilment: new Map(orderIds.map((id) => [streamId('fulfilment', id), { version: 0, state: initialFulfilment }])),
    order: new Map(orderIds.map((id) => [streamId('order', id), { version: 1, state: placed(id) }])),
    payment: new Map(orderIds.map((id) => [streamId('payment', id), { version: 0, state: paymentDecider.initialState }])),
    stock: new Map(
      Object.entries(stock).map(([sku, quantity]) => [streamId('stock', sku), { version: 1, state: received(sku, quantity) }]),
    ),
  };
}

const start = (orderId: string, ...items: [sku: string, quantity: number][]): FulfilmentInput => ({
  type: 'StartFulfilment',
  orderId,
  items: items.map(([sku, quantity]) => ({ sku, quantity })),
  amount: 255,
  currency: 'GBP',
  paymentToken: 'tok_ok',
});

describe('orders decided together', () => {
  it('sell exactly what is there', () => {
    const orderIds = Array.from({ length: 200 }, (_, index) => `o${index}`);
    const batch = new DecisionBatch(states(orderIds, { [SKU]: 100 }));
    const ends = orderIds.map((id) => batch.decide(id, start(id, [SKU, 1])).state.status);
    expect(ends.filter((status) => status === 'paying')).toHaveLength(100);
    expect(ends.filter((status) => status === 'rejected')).toHaveLength(100);
  });

  it('continue each other’s expected versions on a stream they share', () => {
    const batch = new DecisionBatch(states(['o1', 'o2'], { [SKU]: 10 }));
    const expected = ['o1', 'o2'].map(
      (id) => batch.decide(id, start(id, [SKU, 1])).writes.find((write) => write.streamId === streamId('stock', SKU))?.expectedVersion,
    );
    expect(expected).toEqual([1, 2]);
  });

  it('reserve all lines or none, and record who was short', () => {
    const shared = states(['o1'], { [SKU]: 10, '22423': 1 });
    const { writes, state } = new DecisionBatch(shared).decide('o1', start('o1', [SKU, 5], ['22423', 2]));
    expect(state).toMatchObject({ status: 'rejected', refusal: { shortages: [{ sku: '22423', requested: 2, available: 1 }] } });
    expect(writes.flatMap((write) => write.events.map((event) => event.type)).filter((type) => type.startsWith('Stock'))).toEqual([
      'StockReservationRejected',
    ]);
    expect(shared.stock.get(streamId('stock', SKU))?.state.reserved).toBe(0);
  });

  it('hear of a cancellation whose message is still under way', () => {
    const shared = states(['o1'], { [SKU]: 10 });
    const batch = new DecisionBatch(shared);
    batch.decide('o1', start('o1', [SKU, 1]));
    const order = shared.order.get(streamId('order', 'o1'));
    if (order?.state.status !== 'placed') throw new Error('the order was to be placed');
    shared.order.set(streamId('order', 'o1'), {
      version: 2,
      state: { ...order.state, status: 'cancelled', reason: 'changed my mind', cancelledFrom: 'placed' },
    });
    const { action } = batch.decide('o1', { type: 'GatewayDone', operation: 'authorize', gatewayId: 'g1' });
    expect(action).toMatchObject({ kind: 'send', operation: 'void' });
  });

  it('fail alone when they break a rule, and leave the shared state as it was', () => {
    const shared = states(['o1'], { [SKU]: 10 });
    const before = structuredClone(shared);
    const batch = new DecisionBatch(shared);
    expect(() => batch.decide('o1', start('o1', [SKU, 1], ['99999', 1]))).toThrow(/not loaded/);
    expect(shared).toEqual(before);
  });
});
