/** One event still to be published; everything a publisher needs, so that the outbox knows nothing of events or Kafka. */
export interface OutboxRow {
  /** Place in the outbox; equals the event's position. Ascending within a stream. A safe integer. */
  readonly seq: number;
  readonly shard: number;
  readonly streamId: string;
  readonly version: number;
  readonly eventId: string;
  readonly type: string;
  readonly schemaVersion: number;
  /** The event's data as stored: JSON text. */
  readonly data: string;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly correlationId: string;
  readonly causationId: string;
  readonly actor: string;
  readonly commandId: string | null;
  readonly traceparent: string | null;
}
