/** What a command or a read wants. */
export type Intent =
  | 'place-order'
  | 'cancel-order'
  | 'receive-stock'
  | 'adjust-stock'
  /** query-api, with a consistency token: must show at least that version. */
  | 'read-order'
  | 'read-stock'
  /** command-api, right after its own 2xx. */
  | 'read-order-state';

/** Why a command is sent. All but `other-payload` are the same request as the first with this key, byte for byte. */
export type Attempt =
  | 'first'
  /** The earlier answer is unknown or said to come again. */
  | 'retry'
  /** The answer is known; asked for once more. */
  | 'repeat'
  /** One of many of this key that go out together. */
  | 'at-once'
  /** The key of a command that was accepted, with another payload: must be refused with 4xx and have no effect. */
  | 'other-payload';

/** Written before the request leaves. Times are milliseconds since the epoch by the load client's clock, everywhere in the history. */
export interface Sent {
  readonly kind: 'sent';
  /** Number of the request, unique in its file; its answer carries the same. */
  readonly n: number;
  readonly at: number;
  /** Origin of the instance it goes to. */
  readonly target: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Idempotency-Key; null for reads. Every command also says its key in its own data (reference or reason), so that its event can be found by it. */
  readonly key: string | null;
  readonly fingerprintOf: string | null;
  readonly body: Readonly<Record<string, unknown>> | null;
  readonly intent: Intent;
  readonly attempt: Attempt;
  /** Reads: the consistency token given along. */
  readonly token?: string;
}

export interface Answered {
  readonly kind: 'answered';
  readonly n: number;
  readonly at: number;
  readonly status: number;
  /** Problem code of a refusal. */
  readonly code?: string;
  /** As it was answered, parsed; null when it was no JSON. */
  readonly body: Readonly<Record<string, unknown>> | null;
  /** Seconds, as the header says; absent without one. */
  readonly retryAfter?: number;
  /** The header Idempotency-Replayed was there. */
  readonly replayed?: boolean;
}

/** Connection refused or lost, time-out: it may or may not have happened. */
export interface Unanswered {
  readonly kind: 'unanswered';
  readonly n: number;
  readonly at: number;
  readonly error: string;
}

/** A record that nobody of ours would write, put on a topic by the fault runner. */
export interface Poison {
  readonly kind: 'poison';
  readonly at: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** Which stream a consumer takes it for; null when it names none. */
  readonly streamId: string | null;
  /** e.g. bad-json, unknown-type, unknown-version, too-large, null-value, wrong-key */
  readonly what: string;
  /** Of the message as it was sent; see messageDigest. */
  readonly sha256: string;
}

/** Many clients want the few pieces of one SKU: exactly the pieces are sold. */
export interface LastPieces {
  readonly kind: 'last-pieces';
  readonly at: number;
  readonly sku: string;
  readonly pieces: number;
  readonly clients: number;
}

/** What the load is doing from here on. */
export interface Phase {
  readonly kind: 'phase';
  readonly at: number;
  readonly phase: 'started' | 'stopped' | 'settled';
  readonly seed: number;
  /** Commands without a final answer. */
  readonly open: number;
}

export type HistoryRecord = Sent | Answered | Unanswered | Poison | LastPieces | Phase;
