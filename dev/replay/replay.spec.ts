/**
 * Proves the replay as a whole against a stand-in for the two APIs: what it sends, that it ends the same when requests fail, when it
 * is run again or twice at once, and that it notices whatever query-api answers wrongly.
 */
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PatientHttp } from './patient-http.js';
import { NothingToReplayError, replay, type ReplayOptions } from './replay.js';
import { summaryOf, type Report } from './report.js';
import { FakeStack } from './testing/fake-stack.js';

const FILE = join(import.meta.dirname, '../../test/fixtures/small-retail.csv');
const MIXED = { orders: 5, lines: 9, skus: 6, customers: 5, guestOrders: 1, units: 59, revenuePence: 5705 };

let stack: FakeStack;
let lines: string[];
beforeEach(async () => {
  stack = await new FakeStack().start();
  lines = [];
});
afterEach(() => stack.stop());

async function run(options: Partial<ReplayOptions> = {}): Promise<Report> {
  const commands = new PatientHttp({ origin: stack.url, connections: 4 });
  const queries = new PatientHttp({ origin: stack.url, connections: 2 });
  try {
    return await replay({
      file: FILE,
      range: { from: null, to: null },
      concurrency: 4,
      allPaid: false,
      patienceMs: 200,
      reconcileWithinMs: 0,
      commands,
      queries,
      output: { write: (text) => void lines.push(text) },
      ...options,
    });
  } finally {
    await Promise.all([commands.close(), queries.close()]);
  }
}

describe('a replay', () => {
  it('places, refuses, cancels, and finds query-api in agreement', async () => {
    const report = await run();
    expect(report).toMatchObject({
      ok: true,
      totals: MIXED,
      totalsFromTheFile: MIXED,
      payments: { synthetic: true },
      orders: {
        sent: 10,
        accepted: 10,
        byStatus: { confirmed: 5, rejected: 3, cancelled: 2 },
        rejectedBecause: { 'payment-declined': 2, 'out-of-stock': 1 },
      },
      stock: { openingReceipts: 8, foundOrWrittenOff: 2 },
      cancellations: { accepted: 2, notReplayed: { 'partial-or-unmatched': 1, 'without-customer': 1 } },
      mismatches: [],
    });
    expect(report.cancellations.refusedAsTooLate).toMatchObject([{ invoice: 'C900024', status: 409, code: 'order.already-rejected' }]);
    expect(report.rows.refused).toHaveLength(8);
    expect(summaryOf(report)).toContain('no mismatch');
  });

  it('with every payment accepted takes all sales and nothing else', async () => {
    expect(await run({ allPaid: true })).toMatchObject({
      ok: true,
      totals: { orders: 10, lines: 15, skus: 9, customers: 7, guestOrders: 1, units: 180, revenuePence: 14_211 },
      orders: { byStatus: { confirmed: 10 } },
      stock: { openingReceipts: 9, foundOrWrittenOff: 0 },
      cancellations: { accepted: 0, notReplayed: {} },
    });
  });

  it('of one day leaves the others alone', async () => {
    expect(await run({ allPaid: true, range: { from: '2024-03-05', to: '2024-03-05' } })).toMatchObject({
      ok: true,
      from: '2024-03-05T00:00:00Z',
      to: '2024-03-06T00:00:00.000Z',
      totals: { orders: 2, units: 102 },
    });
  });

  it('of days without trade says so and sends nothing', async () => {
    await expect(run({ range: { from: '2025-01-01', to: null } })).rejects.toThrow(NothingToReplayError);
    expect(stack.requests).toBe(0);
  });
});

describe('whatever happens on the way', () => {
  it('ends in the same state when it is run again', async () => {
    await run();
    const effects = stack.effects;
    const again = await run();
    expect(again).toMatchObject({ ok: true, totals: MIXED });
    expect(stack.effects).toBe(effects);
    expect(again.requests.answersFromEarlierRuns).toBe(effects);
  });

  it('ends in the same state when two run at once', async () => {
    const reports = await Promise.all([run(), run()]);
    expect(reports.map(({ ok, totals }) => [ok, totals])).toEqual([
      [true, MIXED],
      [true, MIXED],
    ]);
    const once = stack.effects;
    await run();
    expect(stack.effects).toBe(once);
  });

  it('ends in the same state when connections are cut, answers lost and servers overloaded', async () => {
    for (let n = 0; n < 3; n += 1)
      stack.faults.push('cut-before', 'cut-after', { status: 503, retryAfter: '0' }, { status: 429 }, { status: 500 });
    const report = await run();
    expect(report).toMatchObject({ ok: true, totals: MIXED, orders: { accepted: 10 } });
    expect(report.requests.repeated).toMatchObject({ 'HTTP 503': 3, 'HTTP 429': 3, 'HTTP 500': 3 });
    expect(stack.effects).toBe(new Set(stack.answers.keys()).size);
  });
});

describe('a mismatch', () => {
  const fields = (report: Report) => report.mismatches.map(({ what, id, field }) => `${what} ${id} ${field}`);

  async function spoiled(spoil: () => void): Promise<string[]> {
    await run();
    spoil();
    const report = await run();
    expect(report.ok).toBe(false);
    return fields(report);
  }

  it('is an order that ended otherwise', async () => {
    expect(await spoiled(() => (stack.orders.get('id-900002')!.status = 'rejected'))).toContain('order 900002 status');
  });

  it('is an order that is gone', async () => {
    expect(await spoiled(() => stack.orders.delete('id-900004'))).toContain('order 900004 orderId');
  });

  it('is an order that is there twice', async () => {
    const mismatches = await spoiled(() => stack.orders.set('id-twice', { ...stack.orders.get('id-900004')!, orderId: 'id-twice' }));
    expect(mismatches).toEqual(
      expect.arrayContaining(['order id-twice reference', 'totals range orders', 'product 20004 units', 'customer 70003 orders']),
    );
  });

  it('is a line that is missing', async () => {
    const mismatches = await spoiled(() => stack.orders.get('id-900002')!.lines.pop());
    expect(mismatches).toEqual(
      expect.arrayContaining([
        'order 900002 lines',
        'order 900002 total',
        'totals range lines',
        'product 20001A units',
        'customer 70001 spendPence',
      ]),
    );
  });

  it('is a request that was refused, as when another kind of replay has used the invoice numbers', async () => {
    await run();
    const report = await run({ allPaid: true });
    expect(report.ok).toBe(false);
    expect(fields(report)).toEqual(expect.arrayContaining(['request 900001 status', 'request 900008 status']));
    expect(summaryOf(report)).toMatch(/MISMATCHES:\n {2}request 900001/);
  });

  it('is an order that never ends', async () => {
    await run();
    stack.orders.get('id-900002')!.status = 'placed';
    const report = await run();
    expect(report).toMatchObject({ ok: false, settled: false });
    expect(fields(report)).toContain('order 900002 status');
  });
});

it('sales of others are no mismatch', async () => {
  await run();
  stack.orders.set('id-today', {
    ...stack.orders.get('id-900002')!,
    orderId: 'id-today',
    reference: 'mine',
    placedAt: '2026-11-21T08:00:00Z',
  });
  expect(await run()).toMatchObject({ ok: true, totals: MIXED, orders: { ordersElsewhere: 1 } });
});
