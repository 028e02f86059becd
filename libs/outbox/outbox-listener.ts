import type { Logger } from '#platform';
import pgListen, { type Subscriber } from 'pg-listen';
import { OUTBOX_CHANNEL } from './outbox-notifier.js';

export interface OutboxListenerOptions {
  readonly databaseUrl: string;
  readonly logger: Pick<Logger, 'debug' | 'warn'>;
  /** A notification came, or some may have been missed while the connection was away. */
  readonly onWake: () => void;
  /** Pause before a lost connection is tried again, milliseconds. Default 500. */
  readonly retryMs?: number;
}

/**
 * Hears the notifications of {@link OutboxNotifier} on a connection of its own, and comes back after every outage. pg-listen survives
 * most losses by itself; where it gives up (the first connect fails, or the connection drops while it subscribes again) a new subscriber
 * is made.
 */
export class OutboxListener {
  readonly #options: Required<OutboxListenerOptions>;
  #subscriber: Subscriber | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: OutboxListenerOptions) {
    this.#options = { retryMs: 500, ...options };
  }

  start(): void {
    void this.#subscribe();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    await this.#discard();
  }

  async #subscribe(): Promise<void> {
    const { databaseUrl, logger, onWake, retryMs } = this.#options;
    const subscriber = pgListen.default(
      { connectionString: databaseUrl, application_name: 'tidemark-outbox-listener', connectionTimeoutMillis: 5_000 },
      // Payloads are empty, but a foreign NOTIFY on our channel must not break us.
      { parse: String, retryTimeout: Infinity, retryInterval: retryMs, paranoidChecking: 10_000 },
    );
    this.#subscriber = subscriber;
    subscriber.events.on('connected', onWake);
    subscriber.events.on('reconnect', (attempt) => logger.debug({ event: 'outbox.listener.reconnecting', attempt }));
    subscriber.events.on('error', (err) => this.#startOver(subscriber, err));
    subscriber.notifications.on(OUTBOX_CHANNEL, onWake);
    try {
      await subscriber.connect();
      await subscriber.listenTo(OUTBOX_CHANNEL);
      onWake();
    } catch (err) {
      this.#startOver(subscriber, err);
    }
  }

  #startOver(failed: Subscriber, err: unknown): void {
    if (this.#closed || this.#subscriber !== failed) return;
    this.#options.logger.warn({ event: 'outbox.listener.failed', err });
    void this.#discard();
    this.#retry = setTimeout(() => void this.#subscribe(), this.#options.retryMs);
  }

  async #discard(): Promise<void> {
    const subscriber = this.#subscriber;
    this.#subscriber = undefined;
    // It may never have been connected, or be gone already: nothing is left to close then.
    await subscriber?.close().catch(() => undefined);
  }
}
