import type { Matching } from '#platform';
import type { Pool } from 'pg';

import {
  isoTime,
  LETTER_COLUMNS,
  placeOf,
  toMessage,
  toRecord,
  type BytesRow,
  type DeadLetterRecord,
  type DeadLetterState,
  type LetterRow,
} from './dead-letter-rows.js';
import type { IncomingMessage } from './event-message.js';

export interface ParkedStream {
  readonly streamId: string;
  readonly code: string;
  readonly reason: string;
  readonly parkedAt: string;
  /** Since then. */
  readonly seconds: number;
  /** Letters waiting. */
  readonly held: number;
}

/** Every criterion given must hold. */
export interface LetterFilter {
  readonly code?: string;
  readonly streamId?: string;
  readonly topic?: string;
  /** Held (or, of streams, parked) since this time or later, ISO 8601. */
  readonly from?: string;
  /** Held (or parked) since before this time, ISO 8601. */
  readonly to?: string;
}

/** What waits for an operator, by reason, for how long, and whether it grows. */
export interface HeldLetters {
  readonly held: number;
  readonly byCode: Readonly<Record<string, number>>;
  /** Of those held, since the oldest came; 0 when there is none. */
  readonly oldestSeconds: number;
  /** Of those held, come within the last hour. */
  readonly lastHour: number;
  readonly blockedStreams: number;
  /** Since the stream that waits longest was parked. */
  readonly longestBlockedSeconds: number;
}

/** $1 to $5: see criteriaOf. */
const MATCHES = `($1::text IS NULL OR code = $1) AND ($2::text IS NULL OR stream_id = $2) AND ($3::text IS NULL OR topic = $3)
  AND ($4::timestamptz IS NULL OR recorded_at >= $4) AND ($5::timestamptz IS NULL OR recorded_at < $5)`;

/** Of parked streams: by the letter that parked them, and by the topics of what they hold. */
const PARKED_MATCHES = `($1::text IS NULL OR p.code = $1) AND ($2::text IS NULL OR p.stream_id = $2)
  AND ($3::text IS NULL OR EXISTS (SELECT FROM tidemark.consumer_dead_letters l
    WHERE l.group_id = p.group_id AND l.stream_id = p.stream_id AND l.state = 'held' AND l.topic = $3))
  AND ($4::timestamptz IS NULL OR p.parked_at >= $4) AND ($5::timestamptz IS NULL OR p.parked_at < $5)`;

const criteriaOf = ({ code, streamId, topic, from, to }: LetterFilter): (string | null)[] =>
  [code, streamId, topic, from, to].map((criterion) => criterion ?? null);

const since = (column: string): string => `greatest(extract(epoch FROM clock_timestamp() - ${column}), 0)::float8`;

/** What can be asked of the dead letters of one consumer group. */
export class DeadLetterQueries {
  constructor(
    protected readonly pool: Pool,
    protected readonly groupId: string,
  ) {}

  /** Newest first. */
  async list(
    filter: LetterFilter & { readonly state?: DeadLetterState; readonly beforeId?: number; readonly limit?: number } = {},
  ): Promise<DeadLetterRecord[]> {
    const { rows } = await this.pool.query<LetterRow>(
      `SELECT ${LETTER_COLUMNS} FROM tidemark.consumer_dead_letters
       WHERE ${MATCHES} AND group_id = $6 AND ($7::text IS NULL OR state = $7) AND ($8::bigint IS NULL OR id < $8)
       ORDER BY consumer_dead_letters.id DESC LIMIT $9`,
      [...criteriaOf(filter), this.groupId, filter.state ?? null, filter.beforeId ?? null, Math.min(filter.limit ?? 100, 1_000)],
    );
    return rows.map(toRecord);
  }

  /** Those parked longest first. */
  async parked(filter: LetterFilter & { readonly limit?: number } = {}): Promise<ParkedStream[]> {
    const { rows } = await this.pool.query<{
      stream_id: string;
      code: string;
      reason: string;
      parked_at: string;
      seconds: number;
      held: number;
    }>(
      `SELECT p.stream_id, p.code, p.reason, p.parked_at::text AS parked_at, ${since('p.parked_at')} AS seconds,
              (SELECT count(*)::int FROM tidemark.consumer_dead_letters l
               WHERE l.group_id = p.group_id AND l.stream_id = p.stream_id AND l.state = 'held') AS held
       FROM tidemark.consumer_parked_streams p WHERE ${PARKED_MATCHES} AND p.group_id = $6
       ORDER BY p.parked_at, p.stream_id LIMIT $7`,
      [...criteriaOf(filter), this.groupId, Math.min(filter.limit ?? 1_000, 1_000)],
    );
    return rows.map(({ stream_id, code, reason, parked_at, seconds, held }) => ({
      streamId: stream_id,
      code,
      reason,
      parkedAt: isoTime(parked_at),
      seconds: Math.round(seconds),
      held,
    }));
  }

  /** Parked streams that match behind a stream id, in order of their ids: how many there are, and the first of them. */
  async matchingStreams(filter: LetterFilter, after: string, limit: number): Promise<Matching> {
    const { rows } = await this.pool.query<{ stream_id: string; matched: number }>(
      `SELECT p.stream_id, (count(*) OVER ())::int AS matched FROM tidemark.consumer_parked_streams p
       WHERE ${PARKED_MATCHES} AND p.group_id = $6 AND p.stream_id COLLATE "C" > $7 ORDER BY p.stream_id COLLATE "C" LIMIT $8`,
      [...criteriaOf(filter), this.groupId, after, limit],
    );
    return { matched: rows[0]?.matched ?? 0, subjects: rows.map(({ stream_id }) => stream_id), last: rows.at(-1)?.stream_id ?? null };
  }

  /** Held letters that match behind an id, in order of their ids: how many there are, and the first of them. */
  async matchingLetters(
    filter: LetterFilter,
    afterId: number,
    limit: number,
  ): Promise<Matching & { readonly letters: readonly DeadLetterRecord[] }> {
    const { rows } = await this.pool.query<LetterRow & { matched: number }>(
      `SELECT ${LETTER_COLUMNS}, (count(*) OVER ())::int AS matched FROM tidemark.consumer_dead_letters
       WHERE ${MATCHES} AND group_id = $6 AND state = 'held' AND consumer_dead_letters.id > $7
       ORDER BY consumer_dead_letters.id LIMIT $8`,
      [...criteriaOf(filter), this.groupId, afterId, limit],
    );
    const letters = rows.map(toRecord);
    return { matched: rows[0]?.matched ?? 0, subjects: letters.map(placeOf), last: rows.at(-1)?.id ?? null, letters };
  }

  async measure(): Promise<HeldLetters> {
    const { rows } = await this.pool.query<{ code: string | null; held: number; seconds: number; last_hour: number }>(
      `SELECT code, count(*)::int AS held, ${since('min(recorded_at)')} AS seconds,
              (count(*) FILTER (WHERE recorded_at > clock_timestamp() - interval '1 hour'))::int AS last_hour
       FROM tidemark.consumer_dead_letters WHERE group_id = $1 AND state = 'held' GROUP BY ROLLUP (code)`,
      [this.groupId],
    );
    const { rows: parked } = await this.pool.query<{ streams: number; seconds: number | null }>(
      `SELECT count(*)::int AS streams, ${since('min(parked_at)')} AS seconds FROM tidemark.consumer_parked_streams WHERE group_id = $1`,
      [this.groupId],
    );
    const total = rows.find(({ code }) => code === null);
    return {
      held: total?.held ?? 0,
      byCode: Object.fromEntries(rows.flatMap(({ code, held }) => (code === null ? [] : [[code, held]]))),
      oldestSeconds: Math.round(total?.seconds ?? 0),
      lastHour: total?.last_hour ?? 0,
      blockedStreams: parked[0]?.streams ?? 0,
      longestBlockedSeconds: Math.round(parked[0]?.seconds ?? 0),
    };
  }

  /** The message with its original bytes; undefined when there is no such letter in this group. */
  async inspect(id: number): Promise<{ record: DeadLetterRecord; message: IncomingMessage } | undefined> {
    const { rows } = await this.pool.query<LetterRow & BytesRow>(
      `SELECT ${LETTER_COLUMNS}, message_key, message_value, headers FROM tidemark.consumer_dead_letters WHERE group_id = $1 AND id = $2`,
      [this.groupId, id],
    );
    const [row] = rows;
    return row === undefined ? undefined : { record: toRecord(row), message: toMessage(row) };
  }
}
