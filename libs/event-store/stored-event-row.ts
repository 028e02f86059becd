import pg from 'pg';
import type { ScannedEvent, StoredEvent } from './stored-event.js';
import type { Upcasters } from './upcasters.js';

/** The columns of an event, in the order in which {@link storedEventOf} expects them. */
export const EVENT_COLUMNS = `e.position, e.stream_id, e.version, e.event_id, e.type, e.schema_version, e.data, e.occurred_at, e.recorded_at,
  e.correlation_id, e.causation_id, e.actor, e.command_id, e.traceparent`;

type EventUpToRecordedAt = [
  position: number,
  streamId: string,
  version: number,
  id: string,
  type: string,
  schemaVersion: number,
  data: object,
  occurredAt: string,
  recordedAt: string,
];

export type EventRow = [
  ...eventUpToRecordedAt: EventUpToRecordedAt,
  correlationId: string,
  causationId: string,
  actor: string,
  commandId: string | null,
  traceparent: string | null,
];

export function storedEventOf(row: EventRow, upcasters: Upcasters): StoredEvent {
  const [position, streamId, version, id, type, schemaVersion, data] = row;
  const [, , , , , , , occurredAt, recordedAt, correlationId, causationId, actor, commandId, traceparent] = row;
  const lifted = upcasters.upcast(type, schemaVersion, data);
  return {
    position,
    streamId,
    version,
    id,
    type,
    schemaVersion: lifted.schemaVersion,
    data: lifted.data,
    occurredAt,
    recordedAt,
    correlationId,
    causationId,
    actor,
    commandId,
    traceparent,
  };
}

/** The columns of an event without what led to it, in the order in which {@link scannedEventOf} expects them. */
export const SCAN_COLUMNS =
  'e.position, e.stream_id, e.version, e.event_id, e.type, e.schema_version, e.data, e.occurred_at, e.recorded_at, e.actor';

export type ScanRow = [...eventUpToRecordedAt: EventUpToRecordedAt, actor: string];

export function scannedEventOf(row: ScanRow, upcasters: Upcasters): ScannedEvent {
  const [position, streamId, version, id, type, stored, old, occurredAt, recordedAt, actor] = row;
  const { schemaVersion, data } = upcasters.upcast(type, stored, old);
  return { position, streamId, version, id, type, schemaVersion, data, occurredAt, recordedAt, actor };
}

const INT8 = 20;
const TIMESTAMPTZ = 1184;

/** Parsers for these queries alone, so that the rooms work with whatever pool they are given. */
export const storeTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text' | 'binary' = 'text') => {
    if (oid === INT8) return Number;
    if (oid === TIMESTAMPTZ) return isoTime;
    return pg.types.getTypeParser(oid, format as 'text');
  }) as typeof pg.types.getTypeParser,
};

/** ISO 8601 UTC in milliseconds. A session in UTC, the usual case, is read without a Date: scans parse millions of these. */
export function isoTime(text: string): string {
  if (text.length <= 26 && text.endsWith('+00') && text[10] === ' ') {
    const seconds = text.slice(11, -3);
    return `${text.slice(0, 10)}T${seconds.length === 8 ? `${seconds}.000` : seconds.padEnd(12, '0')}Z`;
  }
  return new Date(text).toISOString();
}
