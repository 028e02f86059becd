/**
 * Proves: the figures of a day of real trade are those that were added up from its file without any of our code. The file of the first
 * day is used where it lies beside the repository, together with totals that came with it; a small one of ours otherwise.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Overview } from '../../apps/query-api/overview/overview.answers.js';
import { QueryApiFixture } from './query-api-fixture.js';
import { confirmed, placed, type PlacedLine } from './sample-events.js';

const shared = join(import.meta.dirname, '../../../shared/data/online-retail');
const day = join(shared, '2010-12-01.csv');
const file = existsSync(day) ? day : join(import.meta.dirname, '../fixtures/small-retail.csv');
const GOODS = /^(\d{5}[A-Z]{0,2}|DCGS.*)$/;

interface Sale {
  readonly invoice: string;
  readonly customerId: string;
  readonly placedAt: string;
  readonly lines: readonly PlacedLine[];
}

type Row = Record<'InvoiceNo' | 'StockCode' | 'Description' | 'Quantity' | 'InvoiceDate' | 'UnitPrice' | 'CustomerID', string>;

function sales(): Sale[] {
  const rows = parse(readFileSync(file), { columns: true, relax_column_count: true, relax_quotes: true, bom: true }) as Row[];
  const byInvoice = new Map<string, Row[]>();
  for (const row of rows) byInvoice.set(row.InvoiceNo, [...(byInvoice.get(row.InvoiceNo) ?? []), row]);
  return [...byInvoice].flatMap(([invoice, all]) => {
    if (!/^\d+$/.test(invoice) || all.some((row) => !/^\d+$/.test(row.Quantity) || row.Quantity === '0')) return [];
    const goods = all.filter(
      (row) => Number(row.UnitPrice) > 0 && /^\d+(\.\d{1,2})?$/.test(row.UnitPrice) && GOODS.test(row.StockCode.trim().toUpperCase()),
    );
    if (goods.length === 0) return [];
    const placedAt = `${all[0]!.InvoiceDate.replace(' ', 'T')}.000Z`;
    // Days like 30 February are for those who test the reading of such files.
    if (Number.isNaN(Date.parse(placedAt)) || new Date(placedAt).toISOString() !== placedAt) return [];
    const customerId = all.find((row) => row.CustomerID !== '')?.CustomerID.replace(/\.0$/, '') ?? `guest-${invoice}`;
    const lines = goods.map((row) => ({
      sku: row.StockCode.trim().toUpperCase(),
      quantity: Number(row.Quantity),
      unitPrice: Math.round(Number(row.UnitPrice) * 100),
    }));
    return [{ invoice, customerId, placedAt, lines }];
  });
}

function added(orders: readonly Sale[]): Overview['totals'] {
  const lines = orders.flatMap((order) => order.lines);
  return {
    orders: orders.length,
    lines: lines.length,
    skus: new Set(lines.map(({ sku }) => sku)).size,
    customers: new Set(orders.map(({ customerId }) => customerId)).size,
    guestOrders: orders.filter(({ customerId }) => customerId.startsWith('guest-')).length,
    units: lines.reduce((sum, { quantity }) => sum + quantity, 0),
    revenuePence: lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0),
  };
}

let house: QueryApiFixture;
let orders: Sale[];

beforeAll(async () => {
  house = await QueryApiFixture.start();
  orders = sales();
  for (const { invoice, customerId, placedAt, lines } of orders) {
    await house.append(`order-${invoice}`, [placed(invoice, { reference: invoice, customerId, lines }), confirmed(invoice)], {
      occurredAt: placedAt,
    });
  }
  await house.project();
});
afterAll(() => house?.stop());

describe(`the trade of ${file.split('/').at(-1)}`, () => {
  it('adds up, from running sums and from the orders of the range', async () => {
    const first = orders
      .map(({ placedAt }) => placedAt)
      .sort()[0]!
      .slice(0, 10);
    for (const path of ['/overview', `/overview?from=${first}`, `/overview?from=${first}&to=2099-01-01`]) {
      expect((await house.get<Overview>(path)).body.totals).toEqual(added(orders));
    }
  });

  it('equals the totals that came with the file', async () => {
    if (file !== day) return;
    const expected = JSON.parse(readFileSync(join(shared, 'expected-2010-12-01.json'), 'utf8')) as Record<string, never>;
    for (const path of ['/overview', '/overview?from=2010-12-01&to=2010-12-02']) {
      const { body } = await house.get<Overview>(path);
      expect(body.totals).toEqual(Object.fromEntries(Object.keys(body.totals).map((name) => [name, expected[name]])));
      expect(body.topProductsByRevenue.map(({ sku, units, revenuePence }) => [sku, units, revenuePence])).toEqual(
        expected['topProductsByRevenue'],
      );
      expect(body.topProductsByUnits.map(({ sku, units }) => [sku, units])).toEqual(expected['topProductsByUnits']);
      expect(body.topCustomersBySpend.map(({ customerId, orders: count, spendPence }) => [customerId, count, spendPence])).toEqual(
        expected['topCustomersBySpend'],
      );
      expect(Object.fromEntries(body.byHour.map(({ hour, revenuePence }) => [hour.slice(0, 16).replace('T', ' '), revenuePence]))).toEqual(
        expected['revenuePenceByHour'],
      );
      expect(Object.fromEntries(body.byMonth.map(({ month, revenuePence }) => [month, revenuePence]))).toEqual(
        expected['revenuePenceByMonth'],
      );
    }
    const [invoice, lines] = expected['largestOrder'] as unknown as [string, number];
    expect((await house.get<{ lines: unknown[] }>(`/orders/${invoice}`)).body.lines).toHaveLength(lines);
  });

  it('lists every order of a popular product, page after page', async () => {
    const [{ sku } = { sku: '' }] = (await house.get<{ items: { sku: string }[] }>('/products?sort=orders&limit=1')).body.items;
    const listed = await house.walk<{ orderId: string }>(`/orders?sku=${sku}&limit=7`);
    const wanted = orders.filter(({ lines }) => lines.some((line) => line.sku === sku)).map(({ invoice }) => invoice);
    expect(listed.map(({ orderId }) => orderId).sort()).toEqual([...wanted].sort());
  });
});
