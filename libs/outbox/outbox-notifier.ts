import type { Logger } from '#platform';
import type pg from 'pg';

/** Where relays listen. */
export const OUTBOX_CHANNEL = 'tidemark_outbox';

export interface OutboxNotifierOptions {
  readonly pool: Pick<pg.Pool, 'query'>;
  readonly logger: Pick<Logger, 'warn'>;
  /** Least pause between two notifications, milliseconds. Default 5. */
  readonly minIntervalMs?: number;
}

/**
 * Wakes the relays after a commit. Never call it inside the appending transaction, and never NOTIFY there: a transaction with a pending
 * NOTIFY commits under one cluster-wide lock. Losing a notification costs the relay's poll interval and nothing else, so a failure is
 * logged and forgotten.
 */
export class OutboxNotifier {
  readonly #options: Required<OutboxNotifierOptions>;
  #sending: Promise<void> | undefined;
  #pause: NodeJS.Timeout | undefined;
  #again = false;
  #closed = false;

  constructor(options: OutboxNotifierOptions) {
    this.#options = { minIntervalMs: 5, ...options };
  }

  /** The first goes out at once; those that come while it is on its way or just gone share the next. */
  notify(): void {
    if (this.#closed) return;
    if (this.#sending === undefined && this.#pause === undefined) this.#sending = this.#send();
    else this.#again = true;
  }

  /** Sends what is due and takes no more; call it before the pool ends. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#pause);
    await this.#sending;
    if (this.#again) await this.#send();
  }

  async #send(): Promise<void> {
    const { pool, logger, minIntervalMs } = this.#options;
    this.#again = false;
    try {
      await pool.query(`NOTIFY ${OUTBOX_CHANNEL}`);
    } catch (err) {
      logger.warn({ event: 'outbox.notify.failed', err });
    }
    this.#sending = undefined;
    if (this.#closed) return;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      if (this.#again) this.notify();
    }, minIntervalMs).unref();
  }
}
