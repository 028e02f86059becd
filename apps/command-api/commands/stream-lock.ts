import type { AppendRequest, AppendVerdict, EventStore } from '#event-store';
import type { Pool, PoolClient } from 'pg';
import { concurrentChange } from '../problems.js';

export interface StreamLockOptions {
  readonly pool: Pick<Pool, 'connect'>;
  readonly store: Pick<EventStore, 'append' | 'lockStreams'>;
  /** After a commit that may have appended something. */
  readonly onCommitted: () => void;
}

/** Under the lock nobody else changes the stream: what is read with `client` stays true until `commit`. */
export interface LockedStream {
  readonly client: PoolClient;
  /** Appends and commits; call it at most once. */
  commit(request: AppendRequest): Promise<AppendVerdict>;
}

const LOCK_TIMEOUT = '55P03';

/** How long a transaction of ours may stand still between two statements, milliseconds: a process that is stopped holds up nobody longer. */
const STANDSTILL_MS = 5_000;

/**
 * One stream for one command at a time, across all processes: for a command that lost too many races. PostgreSQL serves waiters of a row
 * in order, so every one gets its turn, where a retry may lose to a busier process again and again. It costs four round trips and
 * shares no commit, which is why it is not the normal way.
 */
export class StreamLock {
  constructor(private readonly options: StreamLockOptions) {}

  /**
   * Without a commit nothing happened. Throws `concurrent-change` when the lock cannot be had within two seconds, and the connection's
   * error when the database ended a transaction that stood still: the key then tells the repeat what became of the first try.
   */
  async hold<T>(streamId: string, work: (locked: LockedStream) => Promise<T>): Promise<T> {
    const { pool, store, onCommitted } = this.options;
    const client = await pool.connect();
    let open = true;
    let broken: Error | undefined;
    try {
      await client.query(`BEGIN; SET LOCAL lock_timeout = '2s'; SET LOCAL idle_in_transaction_session_timeout = ${STANDSTILL_MS}`);
      await store.lockStreams(client, [streamId]);
      return await work({
        client,
        commit: async (request) => {
          const [verdict] = await store.append([request], client);
          await client.query('COMMIT');
          open = false;
          onCommitted();
          return verdict as AppendVerdict;
        },
      });
    } catch (error) {
      if ((error as { code?: unknown }).code === LOCK_TIMEOUT) throw concurrentChange();
      throw error;
    } finally {
      if (open) await client.query('ROLLBACK').catch((error: Error) => (broken = error));
      client.release(broken);
    }
  }
}
