import type { AppendRequest } from '#event-store';
import type pg from 'pg';

/**
 * What a careful team writes first: a transaction for each command, the head locked, a statement for each row. It promises what our
 * append promises (key, events, outbox and head commit together), which is what makes it a fair measure.
 */
export class NaiveAppender {
  readonly #pool: pg.Pool;

  constructor(pool: pg.Pool) {
    this.#pool = pool;
  }

  async append({ writes, metadata, command }: AppendRequest): Promise<void> {
    const client = await this.#pool.connect();
    try {
      await client.query('BEGIN');
      if (command !== undefined) await this.#insertCommand(client, metadata, command);
      for (const { streamId, expectedVersion, events } of [...writes].sort((a, b) => (a.streamId < b.streamId ? -1 : 1))) {
        await this.#moveHead(client, streamId, expectedVersion, events.length);
        for (const [index, event] of events.entries()) {
          await this.#insertEvent(client, streamId, expectedVersion + index + 1, event, metadata);
        }
      }
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  }

  async #insertCommand(
    client: pg.PoolClient,
    { actor, correlationId }: AppendRequest['metadata'],
    { id, name, idempotencyKey, fingerprint, answer }: NonNullable<AppendRequest['command']>,
  ): Promise<void> {
    await client.query({
      name: 'naive-command',
      text: `INSERT INTO tidemark.commands (command_id, idempotency_key, fingerprint, name, actor, correlation_id, status, headers, body)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      values: [id, idempotencyKey, fingerprint, name, actor, correlationId, answer.status, answer.headers, JSON.stringify(answer.body)],
    });
  }

  async #moveHead(client: pg.PoolClient, streamId: string, expected: number, count: number): Promise<void> {
    const query =
      expected === 0
        ? { name: 'naive-head', text: 'INSERT INTO tidemark.streams (stream_id, version) VALUES ($1, $2)', values: [streamId, count] }
        : {
            name: 'naive-move',
            text: 'UPDATE tidemark.streams SET version = $2 WHERE stream_id = $1 AND version = $3',
            values: [streamId, expected + count, expected],
          };
    if ((await client.query(query)).rowCount !== 1) throw new Error(`${streamId} is not at ${expected}`);
  }

  async #insertEvent(
    client: pg.PoolClient,
    streamId: string,
    version: number,
    event: AppendRequest['writes'][number]['events'][number],
    { correlationId, causationId, actor, commandId, traceparent }: AppendRequest['metadata'],
  ): Promise<void> {
    const { rows } = await client.query<{ position: string }>({
      name: 'naive-event',
      text: `INSERT INTO tidemark.events (stream_id, version, event_id, type, schema_version, data, occurred_at,
               correlation_id, causation_id, actor, command_id, traceparent)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING position`,
      values: [
        ...[streamId, version, event.id, event.type, event.schemaVersion, event.data, event.occurredAt],
        ...[correlationId, causationId, actor, commandId, traceparent],
      ],
    });
    await client.query({
      name: 'naive-outbox',
      text: 'INSERT INTO tidemark.outbox (shard, position, stream_id) VALUES ((hashtextextended($2, 0) & 15)::smallint, $1, $2)',
      values: [rows[0]?.position, streamId],
    });
  }
}
