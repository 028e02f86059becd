/** Proves: what the read models hold is answered truly, in pages that neither lose nor repeat a row, to every question the API takes. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pageOf } from '../../apps/query-api/reading/page.js';
import { Customer } from '../../apps/query-api/customers/customer.answers.js';
import { Fulfilment } from '../../apps/query-api/fulfilments/fulfilment.answers.js';
import { OrderDetail, OrderSummary } from '../../apps/query-api/orders/order.answers.js';
import { Overview } from '../../apps/query-api/overview/overview.answers.js';
import { ProductDetail, ProductSummary } from '../../apps/query-api/products/product.answers.js';
import { Refusals } from '../../apps/query-api/refusals/refusal.answers.js';
import { StockLevel } from '../../apps/query-api/stock/stock.answers.js';
import { QueryApiFixture } from './query-api-fixture.js';
import { cancelled, confirmed, declined, outOfStock, placed, received, reserved, shipped } from './sample-events.js';

let house: QueryApiFixture;

beforeAll(async () => {
  house = await QueryApiFixture.start();
  const day = (hour: string) => ({ occurredAt: `2010-12-01T${hour}:00.000Z` });
  await house.append('stock-71053', [received('71053', 100), reserved('71053', 'o-1', 6), shipped('71053', 'o-1', 6)]);
  await house.append('stock-85123A', [received('85123A', 20), reserved('85123A', 'o-1', 19)]);
  const hearts = { sku: '85123A', quantity: 2, unitPrice: 255, description: 'WHITE HANGING HEART' };
  await house.append(
    'order-o-1',
    [placed('o-1', { reference: '536365', lines: [hearts, { ...hearts, unitPrice: 200 }, { sku: '71053', quantity: 6, unitPrice: 339 }] })],
    { ...day('08:26'), command: 'PlaceOrder' },
  );
  await house.append('order-o-1', [confirmed('o-1')], { ...day('08:27'), actor: 'system:orchestrator' });
  await house.append('order-o-2', [placed('o-2', { customerId: 'guest-536366', country: 'France' })], day('09:00'));
  await house.append('order-o-2', [confirmed('o-2')], day('09:01'));
  await house.append('order-o-3', [placed('o-3')], day('09:30'));
  await house.append('order-o-3', [outOfStock('o-3')], day('09:31'));
  await house.append('order-o-4', [placed('o-4', { customerId: '13047' })], day('10:00'));
  await house.append('order-o-4', [declined('o-4')], day('10:01'));
  await house.append('order-o-5', [placed('o-5', { customerId: '13047' })], day('11:00'));
  await house.append('order-o-5', [confirmed('o-5')], day('11:01'));
  await house.append('order-o-5', [cancelled('o-5')], day('12:00'));
  await house.append('order-o-6', [placed('o-6', { currency: 'EUR' })], day('12:30'));
  await house.append('order-o-6', [confirmed('o-6')], day('12:31'));
  await house.append('order-o-7', [placed('o-7')], { occurredAt: '2010-12-02T08:00:00.000Z' });
  await house.append('fulfilment-o-7', [
    {
      type: 'FulfilmentStarted',
      data: { orderId: 'o-7', items: [{ sku: '71053', quantity: 6 }], amount: 2034, currency: 'GBP', paymentToken: 'tok_x' },
    },
    { type: 'FulfilmentStepDispatched', data: { orderId: 'o-7', step: 'authorize', attempt: 1, undo: 'void' } },
    { type: 'FulfilmentParked', data: { orderId: 'o-7', step: 'authorize', code: 'gateway-down', detail: 'no answer' } },
  ]);
  await house.append('fulfilment-o-1', [
    { type: 'FulfilmentStarted', data: { orderId: 'o-1', items: [], amount: 1, currency: 'GBP', paymentToken: 'tok_x' } },
    { type: 'FulfilmentCompleted', data: { orderId: 'o-1', outcome: 'confirmed' } },
  ]);
  await house.project();
});
afterAll(() => house?.stop());

const ids = (items: readonly { orderId: string }[]) => items.map(({ orderId }) => orderId);

describe('orders', () => {
  it('are listed, the last placed first, as documented', async () => {
    const { status, body } = await house.get('/orders');
    expect(status).toBe(200);
    const page = pageOf(OrderSummary.strict()).strict().parse(body);
    expect(ids(page.items)).toEqual(['o-7', 'o-6', 'o-5', 'o-4', 'o-3', 'o-2', 'o-1']);
    expect(page.items.at(-1)).toEqual({
      orderId: 'o-1',
      reference: '536365',
      status: 'confirmed',
      customerId: '17850',
      guest: false,
      country: 'United Kingdom',
      currency: 'GBP',
      total: 2944,
      lineCount: 3,
      units: 10,
      placedAt: '2010-12-01T08:26:00.000Z',
      endedAt: '2010-12-01T08:27:00.000Z',
      refusalCode: null,
      version: 2,
    });
  });

  it.each([
    ['status=confirmed', ['o-6', 'o-2', 'o-1']],
    ['status=rejected', ['o-4', 'o-3']],
    ['status=cancelled', ['o-5']],
    ['customerId=13047', ['o-5', 'o-4']],
    ['customerId=nobody', []],
    ['sku=85123a', ['o-1']],
    ['sku=%2085123A%20', ['o-1']],
    ['sku=71053&status=confirmed', ['o-6', 'o-2', 'o-1']],
    ['reference=536365', ['o-1']],
    ['refusalCode=out-of-stock', ['o-3']],
    ['placedFrom=2010-12-02', ['o-7']],
    ['placedTo=2010-12-01T09:00:00Z', ['o-1']],
    ['placedFrom=2010-12-01T09:00:00Z&placedTo=2010-12-01T10:00:00Z', ['o-3', 'o-2']],
    ['placedFrom=2010-12-01T10:00:00%2B01:00&placedTo=2010-12-01T11:00:00%2B01:00', ['o-3', 'o-2']],
    ['customerId=17850&status=placed&sku=71053&placedFrom=2010-12-01&placedTo=2010-12-03', ['o-7']],
  ])('are found by %s', async (query, expected) => {
    const { body } = await house.get<{ items: { orderId: string }[] }>(`/orders?${query}`);
    expect(ids(body.items)).toEqual(expected);
  });

  it('show their lines, history and refusal one by one', async () => {
    const detail = OrderDetail.strict().parse((await house.get('/orders/o-1')).body);
    expect(detail.lines.map(({ lineNo, sku, unitPrice }) => [lineNo, sku, unitPrice])).toEqual([
      [1, '85123A', 255],
      [2, '85123A', 200],
      [3, '71053', 339],
    ]);
    expect(detail.history.map(({ version, status, actor }) => [version, status, actor])).toEqual([
      [1, 'placed', 'spec'],
      [2, 'confirmed', 'system:orchestrator'],
    ]);
    expect(detail.confirmationMs).toBeGreaterThanOrEqual(0);
    const refused = OrderDetail.parse((await house.get('/orders/o-3')).body);
    expect(refused.refusal).toEqual({
      code: 'out-of-stock',
      detail: '71053: 6 wanted, 2 available',
      shortages: [{ sku: '71053', requested: 6, available: 2 }],
    });
    const taken = OrderDetail.parse((await house.get('/orders/o-5')).body);
    expect(taken.cancellation).toEqual({ reason: 'changed my mind', from: 'confirmed' });
  });
});

describe('the other reads', () => {
  it('answer stock by SKU in any case, and what is low', async () => {
    const level = StockLevel.strict().parse((await house.get('/stock/85123a')).body);
    expect(level).toMatchObject({ onHand: 20, reserved: 19, available: 1, received: 20, low: true, version: 2 });
    const skus = async (query: string) => (await house.walk<{ sku: string }>(`/stock${query}`)).map(({ sku }) => sku);
    expect(await skus('')).toEqual(['71053', '85123A']);
    expect(await skus('?lowBelow=2')).toEqual(['85123A']);
    expect(await skus('?lowBelow=1')).toEqual([]);
    expect(await skus('?low=true')).toEqual(['85123A']);
    expect(await skus('?low=false')).toEqual(['71053']);
    pageOf(StockLevel.strict()).parse((await house.get('/stock')).body);
  });

  it('answer customers in every order', async () => {
    const customers = async (query: string) =>
      (await house.walk<{ customerId: string }>(`/customers${query}`)).map(({ customerId }) => customerId);
    expect(await customers('')).toEqual(['13047', '17850', 'guest-536366']);
    expect(await customers('?sort=spend&limit=1')).toEqual(['17850', 'guest-536366', '13047']);
    expect(await customers('?sort=spend&currency=EUR&limit=1')).toEqual(['17850', 'guest-536366', '13047']);
    expect(await customers('?sort=orders&limit=2')).toEqual(['17850', '13047', 'guest-536366']);
    expect(await customers('?sort=lastOrder&limit=1')).toEqual(['17850', '13047', 'guest-536366']);
    expect(await customers('?guest=true')).toEqual(['guest-536366']);
    expect(await customers('?country=France')).toEqual(['guest-536366']);
    const customer = Customer.strict().parse((await house.get('/customers/17850')).body);
    expect(customer).toMatchObject({ orders: 4, confirmedOrders: 2, rejectedOrders: 1, cancelledOrders: 0, lastOrderId: 'o-7' });
    expect(customer.spend).toEqual([
      { currency: 'EUR', orders: 1, amount: 2034 },
      { currency: 'GBP', orders: 1, amount: 2944 },
    ]);
  });

  it('answer products in every order', async () => {
    const products = async (query: string) =>
      (await house.walk<ProductSummary>(`/products${query}`)).map((each) => ProductSummary.strict().parse(each));
    expect((await products('')).map(({ sku, units, revenue }) => [sku, units, revenue])).toEqual([
      ['71053', 12, 4068],
      ['85123A', 4, 910],
    ]);
    for (const sort of ['revenue', 'units', 'orders'])
      expect((await products(`?sort=${sort}&limit=1`)).map(({ sku }) => sku)).toEqual(['71053', '85123A']);
    expect(ProductDetail.strict().parse((await house.get('/products/71053')).body)).toEqual({
      sku: '71053',
      description: 'WHITE METAL LANTERN',
      sales: [
        { currency: 'EUR', orders: 1, units: 6, revenue: 2034 },
        { currency: 'GBP', orders: 2, units: 12, revenue: 4068 },
      ],
    });
  });

  it('answer fulfilments in progress or parked', async () => {
    const { body } = await house.get('/fulfilments');
    const page = pageOf(Fulfilment.strict()).parse(body);
    expect(page.items).toHaveLength(1);
    expect(page.items[0]).toMatchObject({ orderId: 'o-7', status: 'parked', step: 'authorize', parked: { code: 'gateway-down' } });
    expect((await house.get<{ items: unknown[] }>('/fulfilments?status=confirmed')).body.items).toHaveLength(1);
    expect((await house.get('/fulfilments/o-1')).body).toMatchObject({ status: 'confirmed', parked: null });
  });

  it('answer refusals by reason', async () => {
    const refusals = Refusals.strict().parse((await house.get('/refusals')).body);
    expect(refusals).toEqual({
      from: null,
      to: null,
      orders: 2,
      byReason: [
        { code: 'out-of-stock', orders: 1, latestPlacedAt: '2010-12-01T09:30:00.000Z', examples: ['o-3'] },
        { code: 'payment-declined', orders: 1, latestPlacedAt: '2010-12-01T10:00:00.000Z', examples: ['o-4'] },
      ],
      shortSkus: [{ sku: '71053', orders: 1 }],
    });
    expect((await house.get('/refusals?from=2010-12-01T10:00:00Z&to=2010-12-02')).body).toMatchObject({ orders: 1, shortSkus: [] });
  });
});

describe('the overview', () => {
  const totals = { orders: 2, lines: 4, skus: 2, customers: 2, guestOrders: 1, units: 16, revenuePence: 4978 };

  it('answers the same figures from running sums as from the orders', async () => {
    const allTime = Overview.strict().parse((await house.get('/overview')).body);
    const range = Overview.strict().parse((await house.get('/overview?from=2010-12-01&to=2010-12-03')).body);
    expect(allTime.totals).toEqual(totals);
    expect({ ...range, from: null, to: null }).toEqual(allTime);
  });

  it('counts only what was placed in the range', async () => {
    const { body } = await house.get<Overview>('/overview?from=2010-12-01T09:00:00Z&to=2010-12-01T12:00:00Z');
    expect(body.totals).toEqual({ orders: 1, lines: 1, skus: 1, customers: 1, guestOrders: 1, units: 6, revenuePence: 2034 });
    expect(body.placed).toEqual({ orders: 4, lines: 4, units: 24, totalPence: 8136 });
    expect(body.byStatus.map(({ status, orders }) => [status, orders])).toEqual([
      ['cancelled', 1],
      ['confirmed', 1],
      ['rejected', 2],
    ]);
    expect(body.byHour).toEqual([{ hour: '2010-12-01T09:00:00.000Z', orders: 1, revenuePence: 2034 }]);
    expect(body.byMonth).toEqual([{ month: '2010-12', orders: 1, revenuePence: 2034 }]);
    expect(body.topCustomersBySpend).toEqual([{ customerId: 'guest-536366', orders: 1, spendPence: 2034 }]);
  });

  it('counts another currency apart, and nothing where there is nothing', async () => {
    expect((await house.get<Overview>('/overview?currency=EUR')).body.totals).toEqual({
      ...totals,
      orders: 1,
      lines: 1,
      skus: 1,
      customers: 1,
      guestOrders: 0,
      units: 6,
      revenuePence: 2034,
    });
    for (const query of ['?currency=USD', '?from=2009-01-01&to=2009-02-01']) {
      const empty = Overview.strict().parse((await house.get(`/overview${query}`)).body);
      expect(empty.totals).toEqual({ orders: 0, lines: 0, skus: 0, customers: 0, guestOrders: 0, units: 0, revenuePence: 0 });
      expect(empty.confirmation).toEqual({ orders: 0, p50Ms: null, p95Ms: null });
    }
  });
});

describe('pages', () => {
  it('hold every row exactly once, also when others are inserted meanwhile', async () => {
    const other = await QueryApiFixture.start();
    try {
      let next = 0;
      const place = async (minute: number) => {
        const id = `p-${String(next++).padStart(4, '0')}`;
        await other.append(`order-${id}`, [placed(id, { lines: [{ sku: `S${next % 7}`, quantity: 1, unitPrice: 100 }] })], {
          occurredAt: new Date(Date.UTC(2010, 11, 1, 8, minute)).toISOString(),
        });
        return id;
      };
      // Many at the same minute, so that ties are broken by the id.
      const minutes = fc.sample(fc.integer({ min: 0, max: 5 }), { seed: 20101201, numRuns: 60 });
      const before: string[] = [];
      for (const minute of minutes) before.push(await place(minute));
      await other.project();
      for (const limit of [1, 7, 59, 60, 61, 200]) {
        expect((await other.walk<{ orderId: string }>(`/orders?limit=${limit}`)).map(({ orderId }) => orderId).sort()).toEqual(
          [...before].sort(),
        );
      }
      let minute = 0;
      const walked = await other.walk<{ orderId: string }>('/orders?limit=4', async () => {
        await place(minute++ % 6);
        await other.project();
      });
      const seen = walked.map(({ orderId }) => orderId);
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.filter((id) => before.includes(id)).sort()).toEqual([...before].sort());
      expect(await other.walk('/products?sort=units&limit=2')).toHaveLength(7);
    } finally {
      await other.stop();
    }
  });
});
