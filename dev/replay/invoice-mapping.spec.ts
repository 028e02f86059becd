/** Proves what an invoice's rows become: an order as it stands in the file, stock changes, or nothing at all when one row makes no sense. */
import { describe, expect, it } from 'vitest';
import { mapInvoice } from './invoice-mapping.js';
import { readRow, type RetailRow } from './retail-row.js';

interface Cells {
  readonly code?: string;
  readonly quantity?: string;
  readonly date?: string;
  readonly price?: string;
  readonly customer?: string;
}

const rowsOf = (invoice: string, ...cells: Cells[]): RetailRow[] =>
  cells.map(({ code = '20001', quantity = '1', date = '2024-03-04 09:00:00', price = '1.00', customer = '70001.0' }, index) =>
    readRow([invoice, code, 'A THING', quantity, date, price, customer, 'France'], index + 2),
  );
const map = (invoice: string, ...cells: Cells[]) => mapInvoice(rowsOf(invoice, ...cells));

describe('a sale invoice', () => {
  it('keeps its lines in file order, exact duplicates and two prices of one SKU included', () => {
    const { order } = map('900002', { price: '2.55', quantity: '6' }, { price: '2.10' }, { code: '20001 ', price: '2.10' });
    expect(order?.lines.map(({ sku, quantity, unitPrice }) => [sku, quantity, unitPrice])).toEqual([
      ['20001', 6, 255],
      ['20001', 1, 210],
      ['20001', 1, 210],
    ]);
    expect(order).toMatchObject({ total: 1950, customerId: '70001', country: 'France', placedAt: '2024-03-04T09:00:00Z' });
  });

  it('is dated by the earlier of its two timestamps', () => {
    expect(map('900002', { date: '2024-03-04 11:00:00' }, { date: '2024-03-04 10:59:00' }).order?.placedAt).toBe('2024-03-04T10:59:00Z');
  });

  it('without a customer belongs to a guest of its own', () => {
    expect(map('900003', { customer: '' }).order?.customerId).toBe('guest-900003');
  });

  it('leaves out postage and fees, and says so', () => {
    expect(map('900002', { code: 'POST', price: '18.00' }, {}, { code: 'm' })).toMatchObject({
      order: { lines: [{ sku: '20001' }] },
      skipped: ['POST', 'M'],
    });
  });

  it('of postage alone is no order', () => expect(map('900002', { code: 'POST' })).toMatchObject({ order: null, refused: [] }));

  it('may hold goods found, beside what it sells', () => {
    expect(map('900003', {}, { code: '20003', price: '0.0', quantity: '2' })).toMatchObject({
      order: { lines: [{ sku: '20001' }] },
      stock: [{ key: '900003-stock-1', sku: '20003', delta: 2 }],
    });
  });

  it('of written-off goods alone is a stock change', () => {
    expect(map('900010', { quantity: '-3', price: '0' })).toMatchObject({
      order: null,
      refused: [],
      stock: [{ delta: -3, reason: 'A THING' }],
    });
  });
});

describe('a row that makes no sense', () => {
  it.each([
    ['a third decimal', { price: '4.955' }, 'price-not-in-pence'],
    ['a negative price', { price: '-4.95' }, 'negative-price'],
    ['no number of pieces', { quantity: 'two' }, 'bad-quantity'],
    ['a negative number of pieces', { quantity: '-1' }, 'negative-quantity'],
    ['no date', { date: 'yesterday' }, 'bad-date'],
    ['another customer', { customer: '70002.0' }, 'another-customer'],
  ])('(%s) refuses its whole invoice, naming the line', (_what, cells, reason) => {
    expect(map('900007', {}, cells, {})).toMatchObject({
      order: null,
      stock: [],
      refused: [{ line: 3, invoice: '900007', reason, wholeInvoice: true }],
    });
  });

  it('that is no goods is reported and leaves the order whole', () => {
    expect(map('900014', { code: 'PADS', price: '0.001' }, {})).toMatchObject({
      order: { lines: [{ sku: '20001' }] },
      skipped: [],
      refused: [{ line: 2, reason: 'price-not-in-pence', wholeInvoice: false }],
    });
  });

  it('is every row of an invoice that is neither sale nor reversal', () => {
    expect(map('A900009', { code: 'B', price: '-120.50', customer: '' })).toMatchObject({
      order: null,
      refused: [{ reason: 'unknown-invoice-kind', wholeInvoice: true }],
    });
  });
});

describe('a reversal', () => {
  it('has the signature of the sale it takes back, whatever the order of its rows', () => {
    const sale = map('900002', { quantity: '6', price: '2.10' }, { code: '20002' }, { code: 'POST', price: '18' });
    const reversal = map(
      'C900011',
      { code: 'post', quantity: '-1', price: '18.00' },
      { code: '20002', quantity: '-1' },
      { quantity: '-6', price: '2.1' },
    );
    expect(reversal.signature).toBe(sale.signature);
    expect(reversal).toMatchObject({ order: null, reversal: { customerId: '70001' } });
  });

  it.each([{ quantity: '-5' }, { quantity: '-6', price: '2.11' }, { quantity: '-6', code: '20002' }, { quantity: '6' }])(
    'of anything else (%o) has another',
    (cells) => {
      const sale = map('900002', { quantity: '6', price: '2.10' });
      expect(map('C900011', { price: '2.10', ...cells }).signature).not.toBe(sale.signature);
    },
  );
});
