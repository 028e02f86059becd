/** An event as it travels: CloudEvents attributes plus our extensions, decoded. */
export interface EventMessage {
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly streamId: string;
  readonly version: number;
  readonly data: object;
  /** ISO 8601 UTC. */
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly correlationId: string;
  readonly causationId: string;
  readonly actor: string;
  readonly commandId: string | null;
  readonly traceparent: string | null;
}

/** What can be encoded: an event whose data is an object, or already JSON text (as an outbox row keeps it, which saves a parse). */
export type EncodableEvent = Omit<EventMessage, 'data'> & { readonly data: object | string };

export type HeaderValue = string | Buffer | readonly (string | Buffer)[];

/** Bytes for the broker: what a producer sends. */
export interface OutgoingMessage {
  readonly topic: string;
  /** Decides the partition and so the order: the stream id. Dead letters keep whatever key they came with. */
  readonly key: string | Buffer | null;
  /** null is a tombstone; we never produce one, but a dead letter may have been one. */
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, HeaderValue>>;
}

/** Bytes from the broker, before decoding. */
export interface IncomingMessage {
  readonly topic: string;
  readonly partition: number;
  /** A decimal number; compare as BigInt or Number. */
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** A header given more than once arrives as a list. */
  readonly headers: Readonly<Record<string, HeaderValue | undefined>>;
}
