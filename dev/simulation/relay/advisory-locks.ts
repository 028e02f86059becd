import type { Kernel } from '../kernel/kernel.js';
import type { MemoryPostgres } from '../postgres/memory-postgres.js';
import type { Session } from '../postgres/session.js';
import type { Statements } from '../postgres/statements.js';
import type { LockHolder, Transaction } from '../postgres/transaction.js';

/** As RelaySession sets it. */
const IDLE_SESSION_MS = 6_000;

/**
 * Locks that a session holds until it ends, and the end of sessions that say nothing for too long: what a relay that stands still loses
 * its shards by.
 */
export class AdvisoryLocks {
  postgres: MemoryPostgres | undefined;
  private readonly shards = new Map<number, LockHolder>();
  private readonly members = new Set<LockHolder>();
  private readonly heardOf = new Map<LockHolder, number>();
  private backend = 0;

  constructor(
    private readonly kernel: Kernel,
    statements: Statements,
  ) {
    statements
      .text(/^SET (?!LOCAL)/, (transaction) => this.watched(transaction))
      .text(/pg_advisory_lock_shared/, ({ holder }) => {
        this.members.add(holder);
        this.backend += 1;
        return { columns: [['pid', 'int4']], rows: [[this.backend * 7]] };
      })
      .text(/FROM pg_locks/, () => ({
        columns: [
          ['members', 'int4'],
          ['taken', 'jsonb'],
        ],
        rows: [[[...this.members].filter((holder) => this.isAlive(holder)).length, this.taken()]],
      }))
      .text(/^SELECT shard, pg_try_advisory_lock/, ({ holder }, [, wanted]) => ({
        columns: [
          ['shard', 'int4'],
          ['locked', 'bool'],
        ],
        rows: (wanted as number[]).map((shard) => [shard, this.take(shard, holder)]),
      }))
      .text(/^SELECT pg_advisory_unlock/, ({ holder }, [, given]) => {
        for (const shard of given as number[]) if (this.shards.get(shard) === holder) this.shards.delete(shard);
        return {};
      });
  }

  holds(shard: number, holder: LockHolder): boolean {
    return this.shards.get(shard) === holder && this.isAlive(holder);
  }

  /** Every statement is a sign of life. */
  heard(holder: LockHolder): void {
    if (!this.heardOf.has(holder)) return;
    this.heardOf.set(holder, this.kernel.now);
  }

  private watched({ holder }: Transaction): object {
    if (!this.heardOf.has(holder)) this.watch(holder);
    this.heardOf.set(holder, this.kernel.now);
    return {};
  }

  private watch(holder: LockHolder): void {
    const look = (): void => {
      if (!this.isAlive(holder)) return;
      const silentMs = this.kernel.now - (this.heardOf.get(holder) ?? 0);
      if (silentMs >= IDLE_SESSION_MS) (holder as Session).terminate('told', '57P05', 'terminating connection due to idle-session timeout');
      else this.kernel.schedule('db looks for idle sessions', undefined, look, IDLE_SESSION_MS - silentMs);
    };
    this.kernel.schedule('db looks for idle sessions', undefined, look, IDLE_SESSION_MS);
  }

  private take(shard: number, holder: LockHolder): boolean {
    const current = this.shards.get(shard);
    if (current !== undefined && current !== holder && this.isAlive(current)) return false;
    this.shards.set(shard, holder);
    return true;
  }

  private taken(): number[] {
    return [...this.shards].filter(([, holder]) => this.isAlive(holder)).map(([shard]) => shard);
  }

  private isAlive(holder: LockHolder): boolean {
    return this.postgres?.sessions.has(holder as Session) ?? false;
  }
}
