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

/** Bytes for the broker: what a producer sends. */
export interface OutgoingMessage {
  readonly topic: string;
  readonly key: string;
  /** null is a tombstone; we never produce one, but others may. */
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** Bytes from the broker, before decoding. */
export interface IncomingMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | string | undefined>>;
}
