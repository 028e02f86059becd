import type { Ledger } from './ledger.js';
import { SYNTHETIC_NOTE } from './payment-outcome.js';
import type { Reconciliation } from './reconcile.js';
import type { TradeTotals } from './totals.js';

export interface Timings {
  surveySeconds: number;
  openingSeconds: number;
  /** From the first order sent to the last one answered. */
  sendingSeconds: number;
  /** From then until every order had ended and query-api showed it. */
  settlingSeconds: number;
  reconcilingSeconds: number;
}

export interface ReportInput {
  readonly file: string;
  /** ISO 8601; `to` is excluded. */
  readonly from: string;
  readonly to: string;
  readonly allPaid: boolean;
  readonly concurrency: number;
  readonly rows: number;
  readonly ledger: Ledger;
  readonly settled: boolean;
  readonly reconciliation: Reconciliation;
  readonly timings: Timings;
  /** Requests that were repeated, by reason. */
  readonly repeats: ReadonlyMap<string, number>;
}

/** The report as it is written: plain JSON. `totals` is what query-api answers, `mismatches` is empty when all is well. */
export function reportOf({ file, from, to, allPaid, concurrency, rows, ledger, settled, reconciliation, timings, repeats }: ReportInput) {
  const { totals, expected, byStatus, rejectedBecause, ordersElsewhere, mismatches } = reconciliation;
  const accepted = ledger.accepted;
  return {
    file,
    from,
    to,
    mode: allPaid ? 'all-paid' : 'mixed',
    payments: {
      synthetic: true,
      note: allPaid ? 'The file holds no payments. Every one was accepted (--all-paid).' : SYNTHETIC_NOTE,
    },
    ok: settled && mismatches.length === 0,
    totals: totals satisfies TradeTotals,
    totalsFromTheFile: expected,
    orders: { sent: ledger.orders.size, accepted, byStatus: object(byStatus), rejectedBecause: object(rejectedBecause), ordersElsewhere },
    stock: { openingReceipts: ledger.receipts, foundOrWrittenOff: ledger.stockChanges, leftOutForShortSkus: ledger.stockChangesLeftOut },
    cancellations: {
      accepted: ledger.cancellations,
      refusedAsTooLate: ledger.cancelsTooLate,
      notReplayed: object(ledger.unmatchedReversals),
    },
    rows: { read: rows, skippedByCode: object(ledger.skippedRows), refused: ledger.refusedRows },
    requests: { concurrency, answersFromEarlierRuns: ledger.repeatedAnswers, repeated: object(repeats) },
    performance: {
      ordersPerSecondSent: rate(accepted, timings.sendingSeconds),
      ordersPerSecondToTheEnd: rate(accepted, timings.sendingSeconds + timings.settlingSeconds),
      ...timings,
    },
    settled,
    mismatches,
  };
}

export type Report = ReturnType<typeof reportOf>;

/** What a person needs to see of it. */
export function summaryOf(report: Report): string {
  const { totals, orders, cancellations, performance, mismatches } = report;
  const list = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ') || 'none';
  const lines = [
    `orders     ${orders.sent} sent, ${orders.accepted} accepted: ${list(orders.byStatus)}`,
    `refused    ${list(orders.rejectedBecause)}`,
    `cancelled  ${cancellations.accepted} accepted, ${cancellations.refusedAsTooLate.length} refused because the order had been`,
    `totals     ${Object.entries(totals)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')}`,
    `payments   synthetic: ${report.payments.note}`,
    `speed      ${performance.ordersPerSecondSent} orders/s sent, ${performance.ordersPerSecondToTheEnd} orders/s to their end`,
    `rows       ${report.rows.read} read, ${report.rows.refused.length} make no sense${report.rows.refused.length > 0 ? ':' : ''}`,
    ...shorten(
      report.rows.refused,
      ({ line, invoice, reason, wholeInvoice }) =>
        `  line ${line}: ${reason}, ${wholeInvoice ? `invoice ${invoice} is not taken` : `no goods: invoice ${invoice} stands without it`}`,
    ),
    ...(report.settled ? [] : ['NOT SETTLED: orders are still open, and nothing has happened for as long as patience lasted']),
    mismatches.length === 0 ? 'no mismatch' : `${mismatches.length} MISMATCHES:`,
    ...shorten(
      mismatches,
      ({ what, id, field, expected, answered }) =>
        `  ${what} ${id}: ${field} should be ${JSON.stringify(expected)}, is ${JSON.stringify(answered)}`,
    ),
  ];
  return lines.join('\n');
}

const SHOWN = 20;

function shorten<T>(items: readonly T[], show: (item: T) => string): string[] {
  const more = items.length - SHOWN;
  return [...items.slice(0, SHOWN).map(show), ...(more > 0 ? [`  … and ${more} more (--report FILE lists all)`] : [])];
}

const rate = (count: number, seconds: number): number => (seconds > 0 ? Math.round((count / seconds) * 10) / 10 : 0);

const object = (counts: ReadonlyMap<string, number>): Record<string, number> =>
  Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
