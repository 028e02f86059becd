/** Proves that the client's side of I7 and I8 sees money and pieces that are not where the client's own sums put them. */
import { describe, expect, it } from 'vitest';
import { GatewayBookFile, type Entry } from './gateway-book-file.js';
import { checkMoney } from './money.check.js';
import { checkStockOfClients } from './stock.check.js';
import type { OrderFacts, StockFacts } from './store-facts.js';
import { effects, ended, SmallHistory } from './testing/small-run.js';

type Status = NonNullable<Entry['payment']>['status'];
const entry = (status: Status, other: Partial<NonNullable<Entry['payment']>> = {}): Entry => ({
  operation: 'capture',
  payment: { id: 'gw', reference: 'pay-o1', amount: 950, currency: 'GBP', token: 'tok_ok', status, ...other },
});

async function money(orders: OrderFacts[], ...entries: Entry[]): Promise<string[]> {
  const accepted = new SmallHistory().order().digest.acceptedOrders();
  const { violations } = checkMoney({ accepted, orders, book: (await GatewayBookFile.of(entries)).byReference });
  return violations.kept.map(({ what, ids }) => `${what} [${ids.join(', ')}]`);
}

describe('I7, money', () => {
  it('holds for a confirmed order that was paid once, and for a cancelled one that got its money back', async () => {
    expect(await money([ended()], entry('authorized'), entry('captured'), entry('captured'))).toEqual([]);
    const cancelled = ended({ status: 'OrderCancelled', outcome: 'cancelled' });
    expect(await money([cancelled], entry('authorized'), entry('captured'), entry('refunded'))).toEqual([]);
    expect(await money([cancelled])).toEqual([]);
  });

  it('finds a confirmed order that nobody paid for, and a cancelled one that was', async () => {
    expect(await money([ended()], entry('authorized'))).toEqual([
      'order o1 is confirmed, and its payment is authorized at the gateway [o1, pay-o1]',
    ]);
    expect(await money([ended({ status: 'OrderCancelled', outcome: 'cancelled' })], entry('captured'))).toEqual([
      'order o1 is OrderCancelled, and its payment is captured at the gateway [o1, pay-o1]',
    ]);
  });

  it("finds a sum that is not the client's own", async () => {
    expect(await money([ended()], entry('captured', { amount: 900 }))).toEqual([
      "order o1 is of 950 GBP by the client's own sum, and the gateway took 900 GBP [o1, pay-o1]",
    ]);
  });

  it('finds a payment that happened twice', async () => {
    const entries = [entry('captured'), entry('refunded'), entry('captured')];
    expect(await money([ended()], ...entries)).toEqual(['order o1 was captured 2 times at the gateway [o1, pay-o1]']);
  });

  it('finds a payment of nobody', async () => {
    expect(await money([ended()], entry('captured'), entry('captured', { reference: 'pay-x' }))).toEqual([
      'payment pay-x (captured, 950 GBP) is of no order [pay-x]',
    ]);
  });

  it('finds money taken with another card than the one given', async () => {
    expect(await money([ended()], entry('captured', { token: 'tok_slow_5' }))).toEqual([
      'order o1 was to be paid by tok_ok, the gateway was given tok_slow_5 [o1, pay-o1]',
    ]);
  });

  it('does not judge what waits for an operator', async () => {
    expect(await money([ended({ status: 'OrderPlaced', parked: true })], entry('captured'))).toEqual([]);
  });
});

describe('I8, stock', () => {
  const facts = (other: Partial<StockFacts> = {}): StockFacts => ({
    sku: 'MUG',
    received: 2,
    adjusted: 0,
    shipped: 2,
    returned: 0,
    ...other,
  });
  const lastTwo = (): SmallHistory => {
    const history = new SmallHistory().receipt('in', 'MUG', 2);
    history.records.push({ kind: 'last-pieces', at: 1, sku: 'MUG', pieces: 2, clients: 3 });
    for (const client of [1, 2, 3]) history.piece(`k${client}`, 'MUG', `p${client}`);
    return history;
  };
  const stock = (history: SmallHistory, ...stored: StockFacts[]) =>
    checkStockOfClients(history.digest, effects(), stored).violations.kept.map(({ what }) => what);

  it('holds when of two pieces two are sold to three clients', () => {
    expect(stock(lastTwo(), facts())).toEqual([]);
  });

  it('finds a piece sold too often, and one that was not sold', () => {
    expect(stock(lastTwo(), facts({ shipped: 3 }))).toEqual(['3 clients wanted 2 pieces of MUG, and 3 were sold']);
    expect(stock(lastTwo(), facts({ returned: 1 }))).toEqual(['3 clients wanted 2 pieces of MUG, and 1 were sold']);
  });

  it('finds a receipt that counted twice, and one that is gone', () => {
    const history = new SmallHistory().receipt('in', 'MUG', 2);
    expect(stock(history, facts({ received: 4 }))).toEqual(['of MUG clients had 2 taken in and 0 adjusted, the store says 4 and 0']);
    expect(stock(history)).toEqual(['of MUG clients had 2 taken in and 0 adjusted, the store says undefined and undefined']);
  });
});
