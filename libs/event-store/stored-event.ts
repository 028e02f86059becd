/** Who and why: the same for all events of one append. */
export interface EventMetadata {
  /** UUID shared by everything that follows from one first command. */
  readonly correlationId: string;
  /** UUID of the command or event that directly caused this one. */
  readonly causationId: string;
  /** Who acted: a user name, or `system:<app>`. */
  readonly actor: string;
  /** The command (row of tidemark.commands) behind it; null when an event caused it. */
  readonly commandId: string | null;
  /** W3C trace context, if the request carried one. */
  readonly traceparent: string | null;
}

/** An event as it is handed to append: decided, named and dated, not yet numbered. */
export interface NewEvent {
  /** UUID. */
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: object;
  /** Business time, ISO 8601 UTC; may be given by the client. */
  readonly occurredAt: string;
}

/** An event as it is read back, already upcast to the newest schema version of its type. */
export interface StoredEvent extends NewEvent, EventMetadata {
  /** Place in the whole store. Ascending within a stream; across streams it may be committed out of order and has gaps. */
  readonly position: number;
  readonly streamId: string;
  /** 1..n without a hole. */
  readonly version: number;
  /** Server time of the append, ISO 8601 UTC. */
  readonly recordedAt: string;
}

/** An event without what led to it: as a scan of the whole store answers it. */
export type ScannedEvent = Omit<StoredEvent, 'correlationId' | 'causationId' | 'commandId' | 'traceparent'>;
