import type { HeaderValue, IncomingMessage } from './event-message.js';

export type DeadLetterState = 'held' | 'released' | 'discarded';

export interface DeadLetterRecord {
  readonly id: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly streamId: string | null;
  readonly code: string;
  readonly reason: string;
  readonly state: DeadLetterState;
  readonly recordedAt: string;
  readonly resolvedAt: string | null;
  readonly resolvedBy: string | null;
  readonly note: string | null;
}

/** Numbers as text, whatever the pool parses: order by the table's columns, not by these names. */
export const LETTER_COLUMNS = `id::text AS id, topic, "partition", "offset"::text AS "offset", stream_id, code, reason, state,
  recorded_at::text AS recorded_at, resolved_at::text AS resolved_at, resolved_by, note`;

/** What {@link LETTER_COLUMNS} selects. */
export interface LetterRow {
  id: string;
  topic: string;
  partition: number;
  offset: string;
  stream_id: string | null;
  code: string;
  reason: string;
  state: DeadLetterState;
  recorded_at: string;
  resolved_at: string | null;
  resolved_by: string | null;
  note: string | null;
}

export interface BytesRow {
  message_key: Buffer | null;
  message_value: Buffer | null;
  headers: Record<string, string[]>;
}

export function toRecord(row: LetterRow): DeadLetterRecord {
  const { topic, partition, offset, code, reason, state, note } = row;
  const resolution = { resolvedAt: row.resolved_at === null ? null : isoTime(row.resolved_at), resolvedBy: row.resolved_by, note };
  const recordedAt = isoTime(row.recorded_at);
  return { id: Number(row.id), topic, partition, offset, streamId: row.stream_id, code, reason, state, recordedAt, ...resolution };
}

export function toMessage({ topic, partition, offset, message_key, message_value, headers }: LetterRow & BytesRow): IncomingMessage {
  return { topic, partition, offset, key: message_key, value: message_value, headers: decodeHeaders(headers) };
}

/** Where the message came from, in short. */
export const placeOf = ({ topic, partition, offset }: Pick<DeadLetterRecord, 'topic' | 'partition' | 'offset'>): string =>
  `${topic}/${partition}@${offset}`;

/** From PostgreSQL's text form with offset; read as text so that it does not matter how the pool parses times. */
export const isoTime = (text: string): string => new Date(text).toISOString();

/** Base64, because header values are bytes and jsonb takes neither NUL nor broken UTF-8. Names are base64 too, for the same reason. */
export function encodeHeaders(headers: IncomingMessage['headers']): Record<string, string[]> {
  const encoded: Record<string, string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    const values = Array.isArray(value) ? (value as readonly (string | Buffer)[]) : [value as string | Buffer];
    encoded[Buffer.from(name).toString('base64')] = values.map((part) => Buffer.from(part as string).toString('base64'));
  }
  return encoded;
}

function decodeHeaders(encoded: Record<string, string[]>): Record<string, HeaderValue> {
  return Object.fromEntries(
    Object.entries(encoded).map(([name, values]) => {
      const parts = values.map((part) => Buffer.from(part, 'base64'));
      return [Buffer.from(name, 'base64').toString(), parts.length === 1 ? (parts[0] as Buffer) : parts];
    }),
  );
}

/** Reasons may quote what was received: through a buffer, which replaces lone surrogates. */
export const storable = (text: string): string => Buffer.from(text).toString().replaceAll('\u0000', '\ufffd').slice(0, 2_000);
