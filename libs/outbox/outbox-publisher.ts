import type { OutboxRow } from './outbox-row.js';

/** A row that can never be sent as it is, with its message as it would have gone out, as far as it could be made. */
export interface PoisonRow {
  readonly seq: number;
  /** Stable code, kebab-case. */
  readonly reason: string;
  readonly detail: string;
  readonly topic: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer | null;
}

export interface PublishResult {
  /** Rows that were acknowledged for good. */
  readonly published: readonly number[];
  readonly poison: readonly PoisonRow[];
  /** Why the rows in neither list were not sent; they are given again, after a pause if this is set. */
  readonly failure?: Error;
}

/**
 * Where the rows go. They come in order of `seq`; within a stream they must be sent in that order, and nothing of a stream may be sent
 * after a row of it that failed or is poison. May send a row again that was sent before. Throwing means that nothing is known of any row.
 */
export interface OutboxPublisher {
  publish(rows: readonly OutboxRow[]): Promise<PublishResult>;
}
