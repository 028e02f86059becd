import type { Statements } from '../postgres/statements.js';
import { MemoryTable, type Transaction } from '../postgres/transaction.js';

export interface WorkRow {
  readonly orderId: string;
  /** Milliseconds since the epoch; null while it is parked. */
  readonly dueAt: number | null;
  readonly correlationId: string;
  readonly causationId: string;
  readonly action: string | null;
  readonly waits: boolean;
}

/** The saga's durable timers, and the statements of FulfilmentWork over them. */
export class WorkSide {
  readonly work = new MemoryTable<WorkRow>('work');

  constructor(statements: Statements) {
    statements
      .name('fulfilment-work-schedule', (transaction, [ids, dueIn, correlations, causations, actions, waits]) => {
        const sorted = (ids as string[]).map((orderId, i) => ({ orderId, i })).sort((a, b) => (a.orderId < b.orderId ? -1 : 1));
        for (const { orderId } of sorted) this.lock(transaction, orderId);
        for (const { orderId, i } of sorted) {
          const dueAt = transaction.now + ((dueIn as number[])[i] as number);
          const [correlationId, causationId] = [(correlations as string[])[i] as string, (causations as string[])[i] as string];
          const [action, isWaiting] = [(actions as string[])[i] as string, (waits as boolean[])[i] as boolean];
          transaction.put(this.work, orderId, { orderId, dueAt, correlationId, causationId, action, waits: isWaiting });
        }
        return {};
      })
      .name('fulfilment-work-park', (transaction, [ids, correlations, causations]) => {
        for (const orderId of ids as string[]) this.lock(transaction, orderId);
        (ids as string[]).forEach((orderId, i) => {
          const [correlationId, causationId] = [(correlations as string[])[i] as string, (causations as string[])[i] as string];
          transaction.put(this.work, orderId, { orderId, dueAt: null, correlationId, causationId, action: null, waits: false });
        });
        return {};
      })
      .name('fulfilment-work-finish', (transaction, [ids]) => {
        for (const orderId of ids as string[]) this.lock(transaction, orderId);
        for (const orderId of ids as string[]) transaction.put(this.work, orderId, undefined);
        return {};
      })
      .name('fulfilment-work-claim', (transaction, [limit, leaseMs]) => {
        const due = transaction
          .all(this.work)
          .filter(({ dueAt }) => dueAt !== null && dueAt <= transaction.now)
          .sort((a, b) => (a.dueAt as number) - (b.dueAt as number))
          .filter(({ orderId }) => transaction.tryLockRow(this.work as MemoryTable<never>, orderId))
          .slice(0, limit as number);
        for (const row of due)
          transaction.put(this.work, row.orderId, { ...row, dueAt: transaction.now + (leaseMs as number), action: null, waits: false });
        return {
          columns: [
            ['orderId', 'text'],
            ['correlationId', 'text'],
            ['causationId', 'text'],
            ['owed', 'text'],
            ['waits', 'bool'],
          ],
          rows: due.map(({ orderId, correlationId, causationId, action, waits }) => [orderId, correlationId, causationId, action, waits]),
        };
      })
      // The clock of a simulation never goes back.
      .name('fulfilment-work-pull-back', () => ({}))
      .name('fulfilment-work-renew', (transaction, [ids, causations, leaseMs]) => {
        const isLeased = (row: WorkRow | undefined, index: number): row is WorkRow =>
          row !== undefined && row.dueAt !== null && !row.waits && row.causationId === (causations as string[])[index];
        (ids as string[]).forEach((orderId, index) => {
          if (!isLeased(transaction.get(this.work, orderId), index)) return;
          this.lock(transaction, orderId);
          const row = transaction.get(this.work, orderId);
          if (isLeased(row, index)) transaction.put(this.work, orderId, { ...row, dueAt: transaction.now + (leaseMs as number) });
        });
        return {};
      });
  }

  get parked(): WorkRow[] {
    return [...this.work.rows.values()].filter(({ dueAt }) => dueAt === null);
  }

  private lock(transaction: Transaction, orderId: string): void {
    transaction.lockRow(this.work as MemoryTable<never>, orderId);
  }
}
