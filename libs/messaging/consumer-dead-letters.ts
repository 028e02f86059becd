import type { Pool, PoolClient } from 'pg';

import type { DeadLetterSink } from './batch-processor.js';
import { DeadLetterQueries } from './dead-letter-queries.js';
import { STREAM_PARKED, type DeadLetter } from './dead-letter.js';
import {
  encodeHeaders,
  LETTER_COLUMNS,
  storable,
  toMessage,
  type BytesRow,
  type DeadLetterState,
  type LetterRow,
} from './dead-letter-rows.js';
import type { IncomingMessage } from './event-message.js';

/** Who decided about a letter, and why. */
export interface Resolution {
  readonly by: string;
  readonly note?: string;
  /** Runs in the transaction that ends a parking or settles letters (these `ids`): what it writes is there with that or not at all. */
  inTransaction?(client: PoolClient, letters: number, ids: readonly number[]): Promise<void>;
}

export interface ConsumerDeadLettersOptions {
  readonly pool: Pool;
  readonly groupId: string;
  /** Copies to the dead-letter topic; throws unless every copy was acknowledged. */
  readonly publish: (letters: readonly DeadLetter[]) => Promise<void>;
  /** How long a delivery or a copy may take before the database ends its transaction, milliseconds. Default 60,000. */
  readonly standstillMs?: number;
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
 * How long a transaction of ours waits for a stream's row that somebody else has, and how long it may stand still between two statements,
 * milliseconds: longer than a delivery takes. A process that was stopped in the middle would otherwise keep its stream, and the partition
 * of whoever has to put a letter behind it, for as long as it stands.
 */
const LOCK_WAIT_MS = 5_000;
const STANDSTILL_MS = 60_000;

/**
 * The dead letters of one consumer group: a row for each message it could not take, with its bytes, and the streams parked by them.
 * - A stream's row in consumer_parked_streams is locked by whoever adds a letter behind others or ends the parking, so that no letter
 *   can be left behind in a stream that goes on.
 * - `publish` (the copy for the dead-letter topic) runs inside the transaction: when it fails, nothing is kept and the batch comes again.
 */
export class ConsumerDeadLetters extends DeadLetterQueries implements DeadLetterSink {
  private readonly publish: (letters: readonly DeadLetter[]) => Promise<void>;
  private readonly begin: string;
  /** Letters this process put aside since it started, by code. */
  readonly stored = new Map<string, number>();

  constructor({ pool, groupId, publish, standstillMs = STANDSTILL_MS }: ConsumerDeadLettersOptions) {
    super(pool, groupId);
    this.publish = publish;
    this.begin = `BEGIN; SET LOCAL lock_timeout = ${LOCK_WAIT_MS}; SET LOCAL idle_in_transaction_session_timeout = ${standstillMs}`;
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

  async store(letters: readonly DeadLetter[]): Promise<readonly string[]> {
    let added: string[] = [];
    const missed = await this.transaction(async (client): Promise<{ keep: boolean; result: readonly string[] }> => {
      await this.park(client, letters);
      const waitedFor = [...new Set(letters.filter(({ code }) => code === STREAM_PARKED).map(({ streamId }) => streamId as string))];
      const parked = await this.lockParked(client, waitedFor);
      const released = waitedFor.filter((streamId) => !parked.has(streamId));
      if (released.length > 0) return { keep: false, result: released };
      added = await this.insert(client, letters);
      await this.publish(letters);
      return { keep: true, result: [] };
    });
    for (const code of added) this.stored.set(code, (this.stored.get(code) ?? 0) + 1);
    return missed;
  }

  /**
   * Delivers everything held for the stream in order, then ends its parking; answers how many were delivered. What `deliver` throws
   * comes out of here, with the stream still parked. Throws NotHeldError when it is not parked.
   */
  async release(
    streamId: string,
    { by, note, inTransaction }: Resolution,
    deliver: (messages: readonly IncomingMessage[]) => Promise<void>,
  ): Promise<number> {
    for (let delivered = 0; ;) {
      const before = delivered;
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
          await inTransaction?.(client, before, []);
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

  /**
   * Delivers one letter alone: only for such as belong to no stream, since order holds inside streams. What `deliver` throws comes out
   * of here, with the letter still held. Throws NotHeldError.
   */
  async releaseAlone(
    id: number,
    { by, note, inTransaction }: Resolution,
    deliver: (messages: readonly IncomingMessage[]) => Promise<void>,
  ): Promise<void> {
    await this.transaction(async (client) => {
      const { rows } = await client.query<LetterRow & BytesRow>(
        `SELECT ${LETTER_COLUMNS}, message_key, message_value, headers FROM tidemark.consumer_dead_letters
         WHERE group_id = $1 AND id = $2 AND state = 'held' AND stream_id IS NULL FOR UPDATE`,
        [this.groupId, id],
      );
      if (rows.length === 0) throw new NotHeldError(`letter ${id}, alone,`);
      await deliver(rows.map(toMessage));
      await this.resolve(client, [String(id)], 'released', by, note);
      await inTransaction?.(client, 1, [id]);
      return { keep: true, result: undefined };
    });
  }

  /** For a message that never should have been: it is not delivered, also when its topic is read again. Its stream stays parked. */
  async discard(id: number, resolution: Resolution): Promise<void> {
    const changed = await this.discardAll([id], resolution);
    if (changed.length === 0) throw new NotHeldError(`letter ${id}`);
  }

  /** {@link discard} of several, all or none; answers those that were still held. */
  discardAll(ids: readonly number[], { by, note, inTransaction }: Resolution): Promise<readonly number[]> {
    return this.transaction(async (client) => {
      const changed = await this.resolve(client, ids.map(String), 'discarded', by, note);
      if (changed.length > 0) await inTransaction?.(client, changed.length, changed);
      return { keep: true, result: changed };
    });
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
  private async insert(client: PoolClient, letters: readonly DeadLetter[]): Promise<string[]> {
    const { rows } = await client.query<{ code: string }>(
      `INSERT INTO tidemark.consumer_dead_letters
         (group_id, topic, "partition", "offset", stream_id, code, reason, message_key, message_value, headers)
       SELECT $1, * FROM unnest($2::text[], $3::int[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::bytea[], $9::bytea[], $10::jsonb[])
       ON CONFLICT (group_id, topic, "partition", "offset") DO UPDATE
         SET state = 'held', code = excluded.code, reason = excluded.reason, resolved_at = NULL, resolved_by = NULL, note = NULL
         WHERE consumer_dead_letters.state = 'released'
       RETURNING code`,
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
    return rows.map(({ code }) => code);
  }

  private async resolve(db: PoolClient, ids: readonly string[], state: DeadLetterState, by: string, note?: string): Promise<number[]> {
    const { rows } = await db.query<{ id: string | number }>(
      `UPDATE tidemark.consumer_dead_letters SET state = $3, resolved_at = clock_timestamp(), resolved_by = $4, note = $5
       WHERE group_id = $1 AND id = ANY($2::bigint[]) AND state = 'held' RETURNING id`,
      [this.groupId, ids, state, by, note ?? null],
    );
    return rows.map(({ id }) => Number(id));
  }

  private async transaction<T>(work: (client: PoolClient) => Promise<{ keep: boolean; result: T }>): Promise<T> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      await client.query(this.begin);
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
