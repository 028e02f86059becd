import type { DataSource } from 'typeorm';
import type { StoredEvent } from '#event-store/read';
import { ISO } from '../reading/instant.js';

/** What a causation tree is made of: an event without its data. */
export type CausedEvent = Pick<
  StoredEvent,
  'id' | 'type' | 'streamId' | 'version' | 'actor' | 'occurredAt' | 'recordedAt' | 'causationId' | 'commandId'
>;

export interface CorrelationEvents {
  /** In order of position. */
  readonly events: CausedEvent[];
  /** False when there are more. */
  readonly complete: boolean;
}

/**
 * Most events of one correlation that are shown. The largest order there may be (5,000 SKUs) makes some 10,100 until it is confirmed and
 * 15,200 when it is cancelled after that. Read without their data, which clients choose the size of, that many take some ten megabytes.
 */
export const MAX_CORRELATION_EVENTS = 20_000;

/** All that shares a correlation id, as far as it is shown. */
export async function correlationEvents(dataSource: DataSource, correlationId: string): Promise<CorrelationEvents> {
  const events = (await dataSource.query(
    `SELECT event_id AS id, type, stream_id AS "streamId", version, actor, causation_id AS "causationId", command_id AS "commandId",
       to_char(occurred_at AT TIME ZONE 'UTC', ${ISO}) AS "occurredAt", to_char(recorded_at AT TIME ZONE 'UTC', ${ISO}) AS "recordedAt"
     FROM tidemark.events WHERE correlation_id = $1 ORDER BY position LIMIT $2`,
    [correlationId, MAX_CORRELATION_EVENTS + 1],
  )) as CausedEvent[];
  return { events: events.slice(0, MAX_CORRELATION_EVENTS), complete: events.length <= MAX_CORRELATION_EVENTS };
}
