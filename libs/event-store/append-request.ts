import type { EventMetadata, NewEvent } from './stored-event.js';

/** Events for one stream, accepted only while the stream stands at `expectedVersion` (0: it must not exist yet). */
export interface StreamWrite {
  readonly streamId: string;
  readonly expectedVersion: number;
  readonly events: readonly NewEvent[];
}

/** The answer a command got; kept with its idempotency key and given again to whoever repeats it. */
export interface StoredAnswer {
  /** HTTP status. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** The command behind an append; becomes a row of tidemark.commands in the same transaction. */
export interface CommandRecord {
  /** UUID; also the causation id of its events. */
  readonly id: string;
  readonly name: string;
  /** The client's Idempotency-Key; unique over all commands. */
  readonly idempotencyKey: string;
  /** Hash of method, path and body: the same key with another fingerprint is another command. */
  readonly fingerprint: string;
  readonly answer: StoredAnswer;
}

/** All writes of one request happen or none does. A refused command has no writes and still stores its answer. */
export interface AppendRequest {
  readonly writes: readonly StreamWrite[];
  readonly metadata: EventMetadata;
  readonly command?: CommandRecord;
}

export type AppendVerdict =
  | { readonly outcome: 'appended' }
  /** Some stream stood elsewhere; nothing of this request was written, its neighbours were not touched. */
  | { readonly outcome: 'conflict'; readonly streamId: string; readonly expectedVersion: number; readonly actualVersion: number }
  /** The idempotency key was used before by the same command: here is its answer. Nothing was written. */
  | { readonly outcome: 'repeated'; readonly answer: StoredAnswer; /** The command that got this answer. */ readonly commandId?: string }
  /** The idempotency key was used before by a different command. Nothing was written. */
  | { readonly outcome: 'key-reused' };
