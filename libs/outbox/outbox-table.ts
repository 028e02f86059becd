import type pg from 'pg';
import type { PoisonRow } from './outbox-publisher.js';
import type { OutboxRow } from './outbox-row.js';

type Columns = [
  seq: string,
  shard: number,
  streamId: string,
  version: number,
  eventId: string,
  type: string,
  schemaVersion: number,
  data: string,
  occurredAt: string,
  recordedAt: string,
  correlationId: string,
  causationId: string,
  actor: string,
  commandId: string | null,
  traceparent: string | null,
];

export interface ReadLimits {
  /** Rows of one shard. */
  readonly rowsPerShard: number;
  /** Bytes of event data of one shard, as stored; one row more is read than fits. */
  readonly bytesPerShard: number;
}

const iso = (column: string): string => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** What a relay does to tidemark.outbox, on the connection that holds the shards' locks and on no other. */
export class OutboxTable {
  readonly #client: pg.Client;

  constructor(client: pg.Client) {
    this.#client = client;
  }

  /**
   * What is there, from the lowest position of each shard, never "after the last one seen": a lower position may be committed later.
   * Shards are read side by side, so that a busy one does not starve the others. Rows of a stream with a dead letter stay where they are.
   */
  async read(shards: readonly number[], { rowsPerShard, bytesPerShard }: ReadLimits): Promise<OutboxRow[]> {
    const { rows } = await this.#client.query<Columns>({
      name: 'tidemark-outbox-read',
      rowMode: 'array',
      text: `
        SELECT e.position, e.shard, e.stream_id, e.version, e.event_id, e.type, e.schema_version, e.data::text,
          ${iso('e.occurred_at')}, ${iso('e.recorded_at')},
          e.correlation_id, e.causation_id, e.actor, e.command_id, e.traceparent
        FROM unnest($1::smallint[]) AS mine (shard)
        CROSS JOIN LATERAL (
          SELECT e.*, o.shard,
            sum(pg_column_size(e.data)) OVER (ORDER BY o.position ROWS UNBOUNDED PRECEDING) - pg_column_size(e.data) AS bytes_before
          FROM (
            SELECT o.position, o.shard FROM tidemark.outbox o
            WHERE o.shard = mine.shard
              AND NOT EXISTS (SELECT FROM tidemark.outbox_dead_letters d WHERE d.stream_id = o.stream_id)
            ORDER BY o.position LIMIT $2
          ) AS o
          JOIN tidemark.events e ON e.position = o.position
        ) AS e
        WHERE e.bytes_before < $3
        ORDER BY e.position`,
      values: [shards, rowsPerShard, bytesPerShard],
    });
    return rows.map(rowOf);
  }

  /** Row by row: in between there may be rows that were committed since, and were not published. */
  async remove(rows: readonly Pick<OutboxRow, 'shard' | 'seq'>[]): Promise<void> {
    if (rows.length === 0) return;
    await this.#client.query({
      name: 'tidemark-outbox-remove',
      text: `
        DELETE FROM tidemark.outbox o USING unnest($1::smallint[], $2::bigint[]) AS done (shard, position)
        WHERE o.shard = done.shard AND o.position = done.position`,
      values: [rows.map(({ shard }) => shard), rows.map(({ seq }) => seq)],
    });
  }

  /** Moves a row to the dead letters; from this moment its stream is held back. */
  async park(row: OutboxRow, poison: PoisonRow, actor: string): Promise<void> {
    await this.#client.query({
      name: 'tidemark-outbox-park',
      text: `
        WITH gone AS (DELETE FROM tidemark.outbox WHERE shard = $1 AND position = $2 RETURNING position, shard, stream_id),
        parked AS (
          INSERT INTO tidemark.outbox_dead_letters
            (position, shard, stream_id, version, event_id, type, reason, detail, topic, headers, value)
          SELECT position, shard, stream_id, $3, $4, $5, $6, $7, $8, $9, $10 FROM gone
          RETURNING position, stream_id, version, event_id, reason
        )
        INSERT INTO tidemark.dead_letter_actions (position, stream_id, version, event_id, action, reason, actor)
        SELECT position, stream_id, version, event_id, 'parked', reason, $11 FROM parked`,
      values: [
        row.shard,
        row.seq,
        row.version,
        row.eventId,
        row.type,
        poison.reason,
        poison.detail,
        poison.topic,
        JSON.stringify(poison.headers),
        poison.value,
        actor,
      ],
    });
  }
}

function rowOf(columns: Columns): OutboxRow {
  const [seq, shard, streamId, version, eventId, type, schemaVersion, data, occurredAt, recordedAt] = columns;
  const [, , , , , , , , , , correlationId, causationId, actor, commandId, traceparent] = columns;
  return {
    seq: Number(seq),
    shard,
    streamId,
    version,
    eventId,
    type,
    schemaVersion,
    data,
    occurredAt,
    recordedAt,
    correlationId,
    causationId,
    actor,
    commandId,
    traceparent,
  };
}
