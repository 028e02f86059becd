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
  place: string,
];

/** A row as it was read, with its place in the table: for this class alone, and only until the row is removed or the session ends. */
export interface ReadRow extends OutboxRow {
  readonly place: string;
}

/** A shard to read, and the position above which there may be something: see ScanFloor. */
export interface ShardToRead {
  readonly shard: number;
  readonly floor: number;
}

export interface ReadLimits {
  /** The epoch for which the floors hold; in another one the shards are read from the start. */
  readonly epoch: string;
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
   *
   * LATERAL with LIMIT or OFFSET fixes the order of the joins: the outbox is usually empty and the events few when this is planned.
   */
  async read(shards: readonly ShardToRead[], { epoch, rowsPerShard, bytesPerShard }: ReadLimits): Promise<ReadRow[]> {
    const { rows } = await this.#client.query<Columns>({
      name: 'tidemark-outbox-read',
      rowMode: 'array',
      text: `
        SELECT o.position, o.shard, o.stream_id, o.version, o.event_id, o.type, o.schema_version, o.data::text,
          ${iso('o.occurred_at')}, ${iso('o.recorded_at')},
          o.correlation_id, o.causation_id, o.actor, o.command_id, o.traceparent, o.place
        FROM unnest($1::smallint[], $2::bigint[]) AS mine (shard, floor)
        CROSS JOIN LATERAL (
          SELECT o.shard, o.place, e.*,
            sum(pg_column_size(e.data)) OVER (ORDER BY o.position ROWS UNBOUNDED PRECEDING) - pg_column_size(e.data) AS bytes_before
          FROM (
            SELECT o.position, o.shard, o.ctid AS place FROM tidemark.outbox o
            WHERE o.shard = mine.shard
              AND o.position > CASE WHEN (SELECT n FROM tidemark.outbox_epoch) = $3 THEN mine.floor ELSE 0 END
              AND NOT EXISTS (SELECT FROM tidemark.outbox_dead_letters d WHERE d.stream_id = o.stream_id)
            ORDER BY o.position LIMIT $4
          ) AS o
          CROSS JOIN LATERAL (SELECT * FROM tidemark.events e WHERE e.position = o.position OFFSET 0) AS e
        ) AS o
        WHERE o.bytes_before < $5
        ORDER BY o.position`,
      values: [
        shards.map(({ shard }) => shard),
        shards.map(({ floor }) => floor),
        epoch === '' ? null : epoch,
        rowsPerShard,
        bytesPerShard,
      ],
    });
    return rows.map(rowOf);
  }

  /**
   * Rows that were read, each for itself: in between there may be rows that were committed since, and were not published. Found by their
   * place in the table, which asks no index; the position makes sure that it is still the same row (its "+ 0" keeps the planner from
   * searching by it). Joined, not `= ANY` twice: that compares each row with half of all positions.
   */
  async remove(rows: readonly Pick<ReadRow, 'seq' | 'place'>[]): Promise<void> {
    if (rows.length === 0) return;
    await this.#client.query({
      name: 'tidemark-outbox-remove',
      text: `
        DELETE FROM tidemark.outbox o USING unnest($1::tid[], $2::bigint[]) AS gone (place, position)
        WHERE o.ctid = gone.place AND o.position + 0 = gone.position`,
      // As PostgreSQL writes arrays; pg would look at each element for what it must escape.
      values: [`{${rows.map(({ place }) => `"${place}"`).join()}}`, `{${rows.map(({ seq }) => seq).join()}}`],
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

function rowOf(columns: Columns): ReadRow {
  const [seq, shard, streamId, version, eventId, type, schemaVersion, data, occurredAt, recordedAt] = columns;
  const [, , , , , , , , , , correlationId, causationId, actor, commandId, traceparent, place] = columns;
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
    place,
  };
}
