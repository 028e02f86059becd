import type pg from 'pg';

interface Soundings {
  xmin: string;
  newest: string;
  epoch: string;
  shard: number | null;
  lowest: string | null;
  age_ms: number | null;
}

/** A row that a floor hid: somebody broke the rule that the floors stand on. */
export interface HiddenRow {
  readonly shard: number;
  readonly seq: number;
}

export interface Sounded {
  /** Shards were looked at from the start ('whole'), or above their floors since the last look was dear ('above') or was given up ('given-up'). */
  readonly look: 'whole' | 'above' | 'given-up';
  /** The first of each shard; the floors are below them again, so the next read finds them. */
  readonly hidden: readonly HiddenRow[];
}

export interface ScanFloorOptions {
  /** A look from the start that takes longer is given up, milliseconds. Default 2000. */
  readonly lookMs?: number;
}

/** After a look from the start, none for this many times as long as it took: it gets a twentieth of the time at most. */
const LOOK_PAUSE = 20;
const QUERY_CANCELED = '57014';

/**
 * From where a shard need be read. Rows are deleted as they are published, and where they were the index keeps dead entries until vacuum
 * may take them, which an old snapshot (a backup, a report) puts off for hours. Reading from the start then costs more with every row
 * published: 40,000 rows/s fell to 5,000 after 150,000 dead ones. So a read begins above a floor under which nothing is left and
 * nothing can appear any more.
 *
 * Why that skips nothing. See the newest position P in one snapshot, and only then take a transaction id X of one's own. Whoever drew a
 * position below P did so before P was committed, and had its transaction id by then (append locks or writes a row before it draws
 * positions; a savepoint's id comes after its transaction's; the sequence has CACHE 1). Ids are given out in order, so that id is below X,
 * whichever of them commits first. Once a snapshot's xmin has reached X all of them have ended, prepared transactions too, and that
 * snapshot sees every row up to P there will ever be; the lowest it sees bounds the floor. A transaction that writes and stays open,
 * anywhere in the cluster, only keeps the floor where it is.
 *
 * A snapshot's xmax would not do for X: it is the latest *completed* id and one, so transactions at or above it may have drawn already.
 * Nor would an id taken in the statement that looks for P, if a plan ever asked for it before the snapshot: hence a statement of its own.
 *
 * A dead letter that is released comes back at its old place, and its stream's rows are let go: both raise tidemark.outbox_epoch in the
 * same transaction, and a read that sees another epoch than the floor's ignores the floor. So must anyone who inserts old positions.
 *
 * Second line: soundings look from the start as long as that is cheap, and less often when it is not. A row that should not have been
 * below its floor is found, told and read, so that a mistake delays it and does not lose it.
 */
export class ScanFloor {
  readonly #client: pg.Client;
  readonly #lookMs: number;
  #floors = new Map<number, number>();
  #epoch = '';
  /** All who drew a position up to here have ended. */
  #settled = 0;
  #candidate: { readonly position: number; readonly takenAt: bigint } | undefined;
  #oldestAgeMs = 0;
  /** Of the process's monotonic clock, milliseconds. */
  #nextLookAt = 0;

  constructor(client: pg.Client, { lookMs = 2_000 }: ScanFloorOptions = {}) {
    this.#client = client;
    this.#lookMs = lookMs;
  }

  /** Floor and epoch are arguments of a read: see {@link OutboxTable.read}. */
  get epoch(): string {
    return this.#epoch;
  }

  of(shard: number): number {
    return this.#floors.get(shard) ?? 0;
  }

  /**
   * Age of the oldest row of the held shards that could be published, milliseconds by the database's clock; 0 without one. Also of a row
   * below its floor, as of the last look from the start.
   */
  get oldestAgeMs(): number {
    return this.#oldestAgeMs;
  }

  /** Raises the floors as far as is safe; once a second is enough. Shards not given are forgotten. Not inside a transaction. */
  async sound(shards: readonly number[]): Promise<Sounded> {
    const due = performance.now() >= this.#nextLookAt;
    const whole = due ? await this.#look(shards) : undefined;
    const rows = whole ?? (await this.#soundings(shards, (shard) => this.of(shard)));
    const [first] = rows;
    if (first === undefined) throw new Error('a sounding answered nothing');
    if (first.epoch !== this.#epoch) {
      this.#epoch = first.epoch;
      this.#floors.clear();
    }
    if (this.#candidate !== undefined && BigInt(first.xmin) >= this.#candidate.takenAt) {
      this.#settled = this.#candidate.position;
      this.#candidate = undefined;
    }
    const hidden = rows.flatMap(({ shard, lowest }): HiddenRow[] =>
      shard === null || lowest === null || Number(lowest) > this.of(shard) ? [] : [{ shard, seq: Number(lowest) }],
    );
    const floors = rows.flatMap(({ shard, lowest }): [number, number][] =>
      shard === null ? [] : [[shard, Math.min(this.#settled, lowest === null ? Infinity : Number(lowest) - 1)]],
    );
    this.#floors = new Map(floors);
    this.#oldestAgeMs = Math.max(0, ...rows.map(({ age_ms }) => age_ms ?? 0));
    const newest = Number(first.newest);
    // Only now, when the snapshot that showed the newest position is past.
    if (this.#candidate === undefined && newest > this.#settled) {
      this.#candidate = { position: newest, takenAt: await this.#takeTransactionId() };
    }
    return { look: whole !== undefined ? 'whole' : due ? 'given-up' : 'above', hidden };
  }

  /** An id above every one given out before; it writes nothing and waits for no disk. */
  async #takeTransactionId(): Promise<bigint> {
    const { rows } = await this.#client.query<{ id: string }>({
      name: 'tidemark-outbox-transaction-id',
      text: 'SELECT pg_current_xact_id()::text AS id',
    });
    const [row] = rows;
    if (row === undefined) throw new Error('the database gave no transaction id');
    return BigInt(row.id);
  }

  /** Soundings from the start, or undefined when that takes too long: the session must not die of a look that the floors make needless. */
  async #look(shards: readonly number[]): Promise<Soundings[] | undefined> {
    const startedAt = performance.now();
    await this.#client.query(`BEGIN READ ONLY; SET LOCAL statement_timeout = ${this.#lookMs}`);
    try {
      return await this.#soundings(shards, () => 0);
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== QUERY_CANCELED) throw error;
      return undefined;
    } finally {
      await this.#client.query('ROLLBACK');
      const now = performance.now();
      this.#nextLookAt = now + (now - startedAt) * LOOK_PAUSE;
    }
  }

  /** One statement, so that all of it is one snapshot. */
  async #soundings(shards: readonly number[], from: (shard: number) => number): Promise<Soundings[]> {
    const { rows } = await this.#client.query<Soundings>({
      name: 'tidemark-outbox-sound',
      text: `
        SELECT now.*, first.shard, first.lowest, first.age_ms
        FROM (
          SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS xmin,
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
      values: [shards, shards.map(from), this.#epoch === '' ? null : this.#epoch],
    });
    return rows;
  }
}
