import type pg from 'pg';

export interface Backlog {
  /** Rows not yet published, counted up to 100,000. */
  readonly rows: number;
  readonly deadLetters: number;
  /** Streams that wait behind a dead letter. */
  readonly heldBackStreams: number;
  /** Age of the oldest row that is not held back, by the database's clock; also when no relay comes to look. */
  readonly oldestSeconds: number;
}

export interface HeldLetters {
  readonly held: number;
  /** Streams blocked by them. */
  readonly streams: number;
  /** Since the oldest was parked; 0 when there is none. */
  readonly oldestSeconds: number;
  /** Of those held, parked within the last hour. */
  readonly lastHour: number;
  readonly byCode: Readonly<Record<string, number>>;
}

/** Counting dearly is not worth it: beyond this it is "very many". */
const MOST_COUNTED = 100_000;

/** What waits, for metrics and for people. Reads only; any connection will do. */
export class OutboxBacklog {
  readonly #pool: pg.Pool;

  constructor({ pool }: { readonly pool: pg.Pool }) {
    this.#pool = pool;
  }

  async measure(): Promise<Backlog> {
    const { rows } = await this.#pool.query<{ rows: number }>(
      `SELECT count(*)::integer AS rows FROM (SELECT FROM tidemark.outbox LIMIT ${MOST_COUNTED}) AS counted`,
    );
    return { rows: rows[0]?.rows ?? 0, oldestSeconds: await this.oldestSeconds(), ...(await this.deadLetters()) };
  }

  /** Shard by shard, which is how the rows are indexed; a shard whose first rows are all held back costs as many looks as there are. */
  private async oldestSeconds(): Promise<number> {
    const { rows } = await this.#pool.query<{ seconds: number | null }>(
      `SELECT greatest(extract(epoch FROM clock_timestamp() - min(e.recorded_at)), 0)::float8 AS seconds
       FROM generate_series(0, 15) AS shards (shard)
       CROSS JOIN LATERAL (
         SELECT o.position FROM tidemark.outbox o
         WHERE o.shard = shards.shard AND NOT EXISTS (SELECT FROM tidemark.outbox_dead_letters d WHERE d.stream_id = o.stream_id)
         ORDER BY o.position LIMIT 1
       ) AS first
       JOIN tidemark.events e USING (position)`,
    );
    return rows[0]?.seconds ?? 0;
  }

  /** The cheap part: dead letters are few. */
  async deadLetters(): Promise<Pick<Backlog, 'deadLetters' | 'heldBackStreams'>> {
    const { held, streams } = await this.held();
    return { deadLetters: held, heldBackStreams: streams };
  }

  /** What waits for an operator, by reason, for how long, and whether it grows. */
  async held(): Promise<HeldLetters> {
    const { rows } = await this.#pool.query<{
      reason: string | null;
      held: number;
      streams: number;
      oldest_seconds: number;
      last_hour: number;
    }>(
      `SELECT reason, count(*)::integer AS held, count(DISTINCT stream_id)::integer AS streams,
         greatest(extract(epoch FROM clock_timestamp() - min(parked_at)), 0)::float8 AS oldest_seconds,
         count(*) FILTER (WHERE parked_at > clock_timestamp() - interval '1 hour')::integer AS last_hour
       FROM tidemark.outbox_dead_letters GROUP BY ROLLUP (reason)`,
    );
    const total = rows.find(({ reason }) => reason === null);
    return {
      held: total?.held ?? 0,
      streams: total?.streams ?? 0,
      oldestSeconds: Math.round(total?.oldest_seconds ?? 0),
      lastHour: total?.last_hour ?? 0,
      byCode: Object.fromEntries(rows.flatMap(({ reason, held }) => (reason === null ? [] : [[reason, held]]))),
    };
  }
}
