import type pg from 'pg';

export interface Backlog {
  /** Rows not yet published, counted up to 100,000. */
  readonly rows: number;
  /** Age of the oldest row that could be published now, milliseconds by the database's clock; 0 when there is none. */
  readonly oldestAgeMs: number;
  readonly deadLetters: number;
  /** Streams that wait behind a dead letter. */
  readonly heldBackStreams: number;
}

/** Counting dearly is not worth it: beyond this it is "very many". */
const MOST_COUNTED = 100_000;

/** How far the relays are behind: for health and metrics. Reads only; any connection will do. */
export class OutboxBacklog {
  readonly #pool: pg.Pool;

  constructor({ pool }: { readonly pool: pg.Pool }) {
    this.#pool = pool;
  }

  async measure(): Promise<Backlog> {
    const { rows } = await this.#pool.query<Backlog>(`
      SELECT
        (SELECT count(*) FROM (SELECT FROM tidemark.outbox LIMIT ${MOST_COUNTED}) AS counted)::integer AS "rows",
        coalesce((
          SELECT greatest(0, extract(epoch FROM clock_timestamp() - min(e.recorded_at)) * 1000)
          FROM generate_series(0, 15) AS every (shard)
          CROSS JOIN LATERAL (
            SELECT o.position FROM tidemark.outbox o
            WHERE o.shard = every.shard::smallint
              AND NOT EXISTS (SELECT FROM tidemark.outbox_dead_letters d WHERE d.stream_id = o.stream_id)
            ORDER BY o.position LIMIT 1
          ) AS first
          JOIN tidemark.events e ON e.position = first.position
        ), 0)::double precision AS "oldestAgeMs",
        (SELECT count(*) FROM tidemark.outbox_dead_letters)::integer AS "deadLetters",
        (SELECT count(DISTINCT stream_id) FROM tidemark.outbox_dead_letters)::integer AS "heldBackStreams"
    `);
    return rows[0] as Backlog;
  }
}
