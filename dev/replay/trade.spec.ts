/**
 * Proves the mapping of whole files: the small one that comes with the tests row by row, and, where the data set is at hand, its
 * totals against those that another program computed.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { invoices } from './invoices.js';
import { readRetailFile } from './retail-file.js';
import { survey } from './survey.js';
import { TradeSum } from './totals.js';
import { TradeReader, type DayRange, type Trade } from './trade.js';

const SMALL = join(import.meta.dirname, '../../test/fixtures/small-retail.csv');
const DATA = join(import.meta.dirname, '../../../shared/data/online-retail');
const EVERYTHING: DayRange = { from: null, to: null };

async function tradesOf(path: string, range: DayRange): Promise<Trade[]> {
  const found = await survey(readRetailFile(path), range);
  const reader = new TradeReader(range);
  const trades: Trade[] = [];
  for await (const invoice of invoices(readRetailFile(path), found)) trades.push(...reader.read(invoice));
  return trades;
}

function totalsOf(trades: readonly Trade[]) {
  const sum = new TradeSum();
  for (const trade of trades) if (trade.kind === 'order') sum.add(trade.order);
  return sum.totals();
}

const of = <Kind extends Trade['kind']>(trades: readonly Trade[], kind: Kind) =>
  trades.filter((trade): trade is Extract<Trade, { kind: Kind }> => trade.kind === kind);

describe('the small file', () => {
  it('holds these orders, each complete when its last row was read', async () => {
    const trades = await tradesOf(SMALL, EVERYTHING);
    expect(of(trades, 'order').map(({ order }) => [order.invoice, order.lines.length, order.total])).toEqual([
      ['900002', 4, 3230],
      ['900003', 1, 255],
      ['900001', 1, 4950],
      ['900005', 1, 625],
      ['900004', 2, 960],
      ['900006', 2, 702],
      ['900014', 1, 750],
      ['900019', 1, 329],
      ['900020', 1, 510],
      ['900008', 1, 1900],
    ]);
    expect(totalsOf(trades)).toEqual({ orders: 10, lines: 15, skus: 9, customers: 7, guestOrders: 1, units: 180, revenuePence: 14_211 });
  });

  it('takes back whole orders only', async () => {
    const trades = await tradesOf(SMALL, EVERYTHING);
    expect(of(trades, 'cancel').map(({ invoice, cancels }) => [invoice, cancels])).toEqual([
      ['C900011', '900005'],
      ['C900021', '900019'],
      ['C900024', '900008'],
    ]);
    expect(of(trades, 'unmatched').map(({ why }) => why)).toEqual(['partial-or-unmatched', 'without-customer']);
  });

  it('has rows that make no sense, each told with its line', async () => {
    const refused = of(await tradesOf(SMALL, EVERYTHING), 'refused').flatMap(({ rows }) => rows);
    expect(refused.map(({ line, invoice, reason }) => [line, invoice, reason])).toEqual([
      [16, '900007', 'price-not-in-pence'],
      [17, 'A900009', 'unknown-invoice-kind'],
      [22, '900014', 'price-not-in-pence'],
      [24, '900015', 'negative-price'],
      [25, '900016', 'bad-quantity'],
      [26, '900017', 'bad-date'],
      [28, '900018', 'negative-quantity'],
      [32, '900022', 'wrong-number-of-fields'],
    ]);
  });

  it('of the first day is read no further than its last invoice', async () => {
    const { lastLine } = await survey(readRetailFile(SMALL), { from: null, to: '2024-03-04' });
    expect(lastLine).toBe(29);
    const first = await tradesOf(SMALL, { from: null, to: '2024-03-04' });
    expect(of(first, 'order')).toHaveLength(8);
  });

  it('by day: a reversal of an order of another day is not carried out', async () => {
    const second = await tradesOf(SMALL, { from: '2024-03-05', to: '2024-03-05' });
    expect(of(second, 'order').map(({ order }) => order.invoice)).toEqual(['900020', '900008']);
    expect(of(second, 'unmatched').map(({ why }) => why)).toEqual(['order-outside-range']);
    expect(of(second, 'cancel').map(({ cancels }) => cancels)).toEqual(['900008']);
  });

  it('needs this much stock, written-off pieces included, of the SKUs of the days asked for', async () => {
    const whole = await survey(readRetailFile(SMALL), EVERYTHING);
    expect(whole.demand.get('20004')).toBe(12 + 1 + 3);
    const second = await survey(readRetailFile(SMALL), { from: '2024-03-05', to: null });
    expect([...second.demand.keys()].sort()).toEqual(['20001', '20006']);
    expect(second.demand.get('20006')).toBe(whole.demand.get('20006'));
    expect([second.orders, second.firstDay, second.lastDay]).toEqual([2, '2024-03-04', '2024-03-05']);
  });
});

// The data set is no part of the product: where it is not at hand, the small file above is what the mapping is proven on.
it.each(existsSync(DATA) ? ['2010-12-01'] : [])('the data set maps to the totals of %s', async (day) => {
  const expected = JSON.parse(await readFile(join(DATA, `expected-${day}.json`), 'utf8')) as Record<string, unknown>;
  const totals = totalsOf(await tradesOf(join(DATA, `${day}.csv`), EVERYTHING));
  for (const name of ['orders', 'lines', 'skus', 'customers', 'guestOrders', 'units', 'revenuePence'] as const) {
    expect([name, totals[name]]).toEqual([name, expected[name]]);
  }
});
