import type { Pool, PoolClient } from 'pg';

import type { DeadLetterSink } from './batch-processor.js';
import { STREAM_PARKED, type DeadLetter } from './dead-letter.js';
import {
  encodeHeaders,
  isoTime,
  LETTER_COLUMNS,
  storable,
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
  /** Letters waiting. */
  readonly held: number;
}

/** Who decided about a letter, and why. */
export interface Resolution {
  readonly by: string;
  readonly note?: string;
}

/** The stream has no dead letters here, or the letter is not held (any more). */
export class NotHeldError extends Error {
  constructor(what: string) {
    super(`${what} is not held in the dead letters`);
    this.name = 'NotHeldError';
  }
}

const RELEASE_BATCH = 500;

/**
 * The dead letters of one consumer group: a row for each message it could not take, with its bytes, and the streams parked by them.
 * - A stream's row in consumer_parked_streams is locked by whoever adds a letter behind others or ends the parking, so that no letter
 *   can be left behind in a stream that goes on.
 * - `publish` (the copy for the dead-letter topic) runs inside the transaction: when it fails, nothing is kept and the batch comes again.
 */
export class ConsumerDeadLetters implements DeadLetterSink {
  private readonly pool: Pool;
  private readonly groupId: string;
  private readonly publish: (letters: readonly DeadLetter[]) => Promise<void>;

  constructor({ pool, groupId, publish }: { pool: Pool; groupId: string; publish: (letters: readonly DeadLetter[]) => Promise<void> }) {
    this.pool = pool;
    this.groupId = groupId;
    this.publish = publish;
  }

  async parkedStreams(): Promise<ReadonlySet<string>> {
    const { rows } = await this.pool.query<{ stream_id: string }>(
      'SELECT stream_id FROM tidemark.consumer_parked_streams WHERE group_id = $1',
      [this.groupId],
    );
    return new Set(rows.map((row) => row.stream_id));
  }

  async discarded(messages: readonly IncomingMessage[]): Promise<ReadonlySet<string>> {
    const [first] = messages;
    if (first === undefined) return new Set();
    const { rows } = await this.pool.query<{ offset: string }>(
      `SELECT "offset"::text AS "offset" FROM tidemark.consumer_dead_letters
       WHERE group_id = $1 AND topic = $2 AND "partition" = $3 AND "offset" = ANY($4::bigint[]) AND state = 'discarded'`,
      [this.groupId, first.topic, first.partition, messages.map(({ offset }) => offset)],
    );
    return new Set(rows.map((row) => row.offset));
  }

  store(letters: readonly DeadLetter[]): Promise<readonly string[]> {
    return this.transaction(async (client) => {
      await this.park(client, letters);
      const waitedFor = [...new Set(letters.filter(({ code }) => code === STREAM_PARKED).map(({ streamId }) => streamId as string))];
      const parked = await this.lockParked(client, waitedFor);
      const released = waitedFor.filter((streamId) => !parked.has(streamId));
      if (released.length > 0) return { keep: false, result: released };
      await this.insert(client, letters);
      await this.publish(letters);
      return { keep: true, result: [] };
    });
  }

  /** Newest first. */
  async list(filter: { streamId?: string; state?: DeadLetterState; beforeId?: number; limit?: number } = {}): Promise<DeadLetterRecord[]> {
    const { rows } = await this.pool.query<LetterRow>(
      `SELECT ${LETTER_COLUMNS} FROM tidemark.consumer_dead_letters
       WHERE group_id = $1 AND ($2::text IS NULL OR stream_id = $2) AND ($3::text IS NULL OR state = $3) AND ($4::bigint IS NULL OR id < $4)
       ORDER BY consumer_dead_letters.id DESC LIMIT $5`,
      [this.groupId, filter.streamId ?? null, filter.state ?? null, filter.beforeId ?? null, Math.min(filter.limit ?? 100, 1_000)],
    );
    return rows.map(toRecord);
  }

  async parked(): Promise<ParkedStream[]> {
    const { rows } = await this.pool.query<{ stream_id: string; code: string; reason: string; parked_at: string; held: number }>(
      `SELECT p.stream_id, p.code, p.reason, p.parked_at::text AS parked_at,
              (SELECT count(*)::int FROM tidemark.consumer_dead_letters l
               WHERE l.group_id = p.group_id AND l.stream_id = p.stream_id AND l.state = 'held') AS held
       FROM tidemark.consumer_parked_streams p WHERE p.group_id = $1 ORDER BY p.parked_at DESC LIMIT 1000`,
      [this.groupId],
    );
    return rows.map(({ stream_id, code, reason, parked_at, held }) => ({
      streamId: stream_id,
      code,
      reason,
      parkedAt: isoTime(parked_at),
      held,
    }));
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

  /**
   * Delivers everything held for the stream in order, then ends its parking; answers how many were delivered. What `deliver` throws
   * comes out of here, with the stream still parked. Throws NotHeldError when it is not parked.
   */
  async release(
    streamId: string,
    { by, note }: Resolution,
    deliver: (messages: readonly IncomingMessage[]) => Promise<void>,
  ): Promise<number> {
    for (let delivered = 0; ;) {
      const count = await this.transaction(async (client) => {
        const locked = await this.lockParked(client, [streamId]);
        if (!locked.has(streamId)) throw new NotHeldError(`stream ${streamId}`);
        const { rows } = await client.query<LetterRow & BytesRow>(
          `SELECT ${LETTER_COLUMNS}, message_key, message_value, headers FROM tidemark.consumer_dead_letters
           WHERE group_id = $1 AND stream_id = $2 AND state = 'held'
           ORDER BY topic, "partition", consumer_dead_letters."offset" LIMIT $3`,
          [this.groupId, streamId, RELEASE_BATCH],
        );
        if (rows.length === 0) {
          await client.query('DELETE FROM tidemark.consumer_parked_streams WHERE group_id = $1 AND stream_id = $2', [
            this.groupId,
            streamId,
          ]);
        } else {
          await deliver(rows.map(toMessage));
          await this.resolve(
            client,
            rows.map((row) => row.id),
            'released',
            by,
            note,
          );
        }
        return { keep: true, result: rows.length };
      });
      if (count === 0) return delivered;
      delivered += count;
    }
  }

  /** For a message that never should have been: it is not delivered, also when its topic is read again. Its stream stays parked. */
  async discard(id: number, { by, note }: Resolution): Promise<void> {
    const changed = await this.resolve(this.pool, [String(id)], 'discarded', by, note);
    if (changed === 0) throw new NotHeldError(`letter ${id}`);
  }

  private async park(client: PoolClient, letters: readonly DeadLetter[]): Promise<void> {
    const causes = new Map<string, DeadLetter>();
    for (const letter of letters) {
      const { streamId, code } = letter;
      if (streamId !== null && code !== STREAM_PARKED && !causes.has(streamId)) causes.set(streamId, letter);
    }
    if (causes.size === 0) return;
    // Sorted, like every other lock on these rows.
    const sorted = [...causes].sort(([a], [b]) => (a < b ? -1 : 1));
    await client.query(
      `INSERT INTO tidemark.consumer_parked_streams (group_id, stream_id, code, reason)
       SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING`,
      [this.groupId, sorted.map(([id]) => id), sorted.map(([, { code }]) => code), sorted.map(([, { reason }]) => storable(reason))],
    );
  }

  private async lockParked(client: PoolClient, streamIds: readonly string[]): Promise<Set<string>> {
    if (streamIds.length === 0) return new Set();
    const { rows } = await client.query<{ stream_id: string }>(
      `SELECT stream_id FROM tidemark.consumer_parked_streams
       WHERE group_id = $1 AND stream_id = ANY($2) ORDER BY stream_id FOR UPDATE`,
      [this.groupId, streamIds],
    );
    return new Set(rows.map((row) => row.stream_id));
  }

  /** One that was released and is held once more starts anew; what an operator discarded stays as it is, with who and why. */
  private async insert(client: PoolClient, letters: readonly DeadLetter[]): Promise<void> {
    await client.query(
      `INSERT INTO tidemark.consumer_dead_letters
         (group_id, topic, "partition", "offset", stream_id, code, reason, message_key, message_value, headers)
       SELECT $1, * FROM unnest($2::text[], $3::int[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::bytea[], $9::bytea[], $10::jsonb[])
       ON CONFLICT (group_id, topic, "partition", "offset") DO UPDATE
         SET state = 'held', code = excluded.code, reason = excluded.reason, resolved_at = NULL, resolved_by = NULL, note = NULL
         WHERE consumer_dead_letters.state = 'released'`,
      [
        this.groupId,
        letters.map(({ message }) => message.topic),
        letters.map(({ message }) => message.partition),
        letters.map(({ message }) => message.offset),
        letters.map(({ streamId }) => streamId),
        letters.map(({ code }) => code),
        letters.map(({ reason }) => storable(reason)),
        letters.map(({ message }) => message.key),
        letters.map(({ message }) => message.value),
        letters.map(({ message }) => JSON.stringify(encodeHeaders(message.headers))),
      ],
    );
  }

  private async resolve(db: Pool | PoolClient, ids: readonly string[], state: DeadLetterState, by: string, note?: string): Promise<number> {
    const { rowCount } = await db.query(
      `UPDATE tidemark.consumer_dead_letters SET state = $3, resolved_at = clock_timestamp(), resolved_by = $4, note = $5
       WHERE group_id = $1 AND id = ANY($2::bigint[]) AND state = 'held'`,
      [this.groupId, ids, state, by, note ?? null],
    );
    return rowCount ?? 0;
  }

  private async transaction<T>(work: (client: PoolClient) => Promise<{ keep: boolean; result: T }>): Promise<T> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      await client.query('BEGIN');
      const { keep, result } = await work(client);
      await client.query(keep ? 'COMMIT' : 'ROLLBACK');
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((failure: Error) => (broken = failure));
      throw error;
    } finally {
      client.release(broken);
    }
  }
}
