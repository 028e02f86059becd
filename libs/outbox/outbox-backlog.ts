import type pg from 'pg';

export interface Backlog {
  /** Rows not yet published, counted up to 100,000. */
  readonly rows: number;
  readonly deadLetters: number;
  /** Streams that wait behind a dead letter. */
  readonly heldBackStreams: number;
}

/** Counting dearly is not worth it: beyond this it is "very many". */
const MOST_COUNTED = 100_000;

/** What waits, for metrics and for people. Reads only; any connection will do. How old it is, each relay tells of its own shards. */
export class OutboxBacklog {
  readonly #pool: pg.Pool;

  constructor({ pool }: { readonly pool: pg.Pool }) {
    this.#pool = pool;
  }

  async measure(): Promise<Backlog> {
    const { rows } = await this.#pool.query<{ rows: number }>(
      `SELECT count(*)::integer AS rows FROM (SELECT FROM tidemark.outbox LIMIT ${MOST_COUNTED}) AS counted`,
    );
    return { rows: rows[0]?.rows ?? 0, ...(await this.deadLetters()) };
  }

  /** The cheap part: dead letters are few. */
  async deadLetters(): Promise<Pick<Backlog, 'deadLetters' | 'heldBackStreams'>> {
    const { rows } = await this.#pool.query<Pick<Backlog, 'deadLetters' | 'heldBackStreams'>>(
      'SELECT count(*)::integer AS "deadLetters", count(DISTINCT stream_id)::integer AS "heldBackStreams" FROM tidemark.outbox_dead_letters',
    );
    return rows[0] ?? { deadLetters: 0, heldBackStreams: 0 };
  }
}
