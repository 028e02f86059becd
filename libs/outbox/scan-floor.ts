import type pg from 'pg';

interface Soundings {
  xmin: string;
  xmax: string;
  newest: string;
  epoch: string;
  shard: number | null;
  lowest: string | null;
  age_ms: number | null;
}

/**
 * From where a shard need be read. Rows are deleted as they are published, and where they were the index keeps dead entries until vacuum
 * may take them, which an old snapshot (a backup, a report) puts off for hours. Reading from the start then costs more with every row
 * published: 40,000 rows/s fell to 5,000 after 150,000 dead ones. So a read begins above a floor under which nothing is left and
 * nothing can appear any more.
 *
 * Why that skips nothing. Take the newest visible position P together with the next unassigned transaction id X. Whoever took a position
 * below P did so before, and had its transaction id by then (append locks or writes a row before it draws positions, and the sequence
 * has CACHE 1), so that id is below X. Once a snapshot's xmin has reached X all of them have ended, and that snapshot sees every row up
 * to P there will ever be; the lowest it sees bounds the floor. A transaction that writes and stays open,
 * anywhere in the cluster, only keeps the floor where it is.
 *
 * A dead letter that is released comes back at its old place, and its stream's rows are let go: both raise tidemark.outbox_epoch in the
 * same transaction, and a read that sees another epoch than the floor's ignores the floor. So must anyone who inserts old positions.
 */
export class ScanFloor {
  readonly #client: pg.Client;
  #floors = new Map<number, number>();
  #epoch = '';
  /** All who took a position up to here have ended. */
  #settled = 0;
  #candidate: { readonly position: number; readonly nextTransaction: bigint } | undefined;
  #oldestAgeMs = 0;

  constructor(client: pg.Client) {
    this.#client = client;
  }

  /** Floor and epoch are arguments of a read: see {@link OutboxTable.read}. */
  get epoch(): string {
    return this.#epoch;
  }

  of(shard: number): number {
    return this.#floors.get(shard) ?? 0;
  }

  /** Age of the oldest row of the held shards that could be published, milliseconds by the database's clock; 0 without one. */
  get oldestAgeMs(): number {
    return this.#oldestAgeMs;
  }

  /** Raises the floors as far as is safe; once a second is enough. Shards not given are forgotten. */
  async sound(shards: readonly number[]): Promise<void> {
    const rows = await this.#soundings(shards);
    const [first] = rows;
    if (first === undefined) return;
    if (first.epoch !== this.#epoch) {
      this.#epoch = first.epoch;
      this.#floors.clear();
    }
    if (this.#candidate === undefined || BigInt(first.xmin) >= this.#candidate.nextTransaction) {
      this.#settled = this.#candidate?.position ?? 0;
      this.#candidate = { position: Number(first.newest), nextTransaction: BigInt(first.xmax) };
    }
    const floors = rows.flatMap(({ shard, lowest }): [number, number][] =>
      shard === null ? [] : [[shard, Math.max(this.of(shard), Math.min(this.#settled, lowest === null ? Infinity : Number(lowest) - 1))]],
    );
    this.#floors = new Map(floors);
    this.#oldestAgeMs = Math.max(0, ...rows.map(({ age_ms }) => age_ms ?? 0));
  }

  /** One statement, so that all of it is one snapshot. */
  async #soundings(shards: readonly number[]): Promise<Soundings[]> {
    const { rows } = await this.#client.query<Soundings>({
      name: 'tidemark-outbox-sound',
      text: `
        SELECT now.*, first.shard, first.lowest, first.age_ms
        FROM (
          SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin, pg_snapshot_xmax(pg_current_snapshot())::text AS xmax,
            (SELECT coalesce(max(position), 0) FROM tidemark.events) AS newest,
            (SELECT n FROM tidemark.outbox_epoch) AS epoch
        ) AS now
        LEFT JOIN LATERAL (
          SELECT mine.shard, lowest.position AS lowest,
            (SELECT extract(epoch FROM clock_timestamp() - e.recorded_at) * 1000 FROM tidemark.events e WHERE e.position = lowest.position)::double precision AS age_ms
          FROM unnest($1::smallint[], $2::bigint[]) AS mine (shard, floor)
          LEFT JOIN LATERAL (
            SELECT o.position FROM tidemark.outbox o
            WHERE o.shard = mine.shard AND o.position > CASE WHEN now.epoch = $3 THEN mine.floor ELSE 0 END
              AND NOT EXISTS (SELECT FROM tidemark.outbox_dead_letters d WHERE d.stream_id = o.stream_id)
            ORDER BY o.position LIMIT 1
          ) AS lowest ON true
        ) AS first ON true`,
      values: [shards, shards.map((shard) => this.of(shard)), this.#epoch === '' ? null : this.#epoch],
    });
    return rows;
  }
}
