import type { RefusedRow } from './invoice-mapping.js';
import type { ExpectedEnd } from './scenario.js';
import type { UnmatchedReversal } from './trade.js';

/** An answer other than the one hoped for. */
export interface Refusal {
  readonly invoice: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

export interface SentOrder {
  /** null while it is under way, and when the order was not accepted. */
  orderId: string | null;
  expected: ExpectedEnd;
  /** Resolves, whatever the answer, once there is one. */
  answered: Promise<void>;
}

/** What this replay has asked for and been told, order by order. */
export class Ledger {
  readonly orders = new Map<string, SentOrder>();
  /** Orders, receipts or stock changes that the API refused; each one is a mismatch. */
  readonly refusedRequests: Refusal[] = [];
  /** Cancellations of orders that had been refused before: 409, as it should be. */
  readonly cancelsTooLate: Refusal[] = [];
  readonly refusedRows: RefusedRow[] = [];
  readonly skippedRows = new Map<string, number>();
  readonly unmatchedReversals = new Map<UnmatchedReversal, number>();
  receipts = 0;
  stockChanges = 0;
  stockChangesLeftOut = 0;
  cancellations = 0;
  /** Answers that were kept from an earlier run (or from a request whose first answer was lost). */
  repeatedAnswers = 0;

  get accepted(): number {
    let count = 0;
    for (const { orderId } of this.orders.values()) if (orderId !== null) count += 1;
    return count;
  }
}

export function countUp<K>(counts: Map<K, number>, key: K, by = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}
