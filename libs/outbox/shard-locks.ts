import type pg from 'pg';

/** First key of the advisory locks; the second is the shard, or 0 for membership. */
const SHARD_CLASS = 7_300_101;
const MEMBER_CLASS = 7_300_102;

/** Number of shards; tidemark.append spreads streams over as many. */
export const SHARD_COUNT = 16;

interface Census {
  members: number;
  taken: number[];
}

/**
 * Which shards this session may relay. A shard is held as a session advisory lock, so it falls free the moment the session ends, and
 * whoever holds it is the only one who reads and deletes its rows. Every relay also holds one shared "member" lock; counting those
 * tells each how many shards are its fair share, without talking to the others.
 *
 * Advisory locks belong to a session: never use this behind a pooler in transaction mode.
 */
export class ShardLocks {
  readonly #client: pg.Client;
  #held: number[] = [];
  #members = 0;
  #owned = 0;
  #rotation = 0;

  constructor(client: pg.Client) {
    this.#client = client;
  }

  /** Shards this session holds, ascending. */
  get held(): readonly number[] {
    return this.#held;
  }

  /** Relays that shared the shards at the last rebalance. */
  get members(): number {
    return this.#members;
  }

  /** Shards that some relay held after the last rebalance. */
  get owned(): number {
    return this.#owned;
  }

  /** Become a member; call once, before the first rebalance. */
  async join(): Promise<void> {
    const { rows } = await this.#client.query<{ pid: number }>('SELECT pg_advisory_lock_shared($1, 0), pg_backend_pid() AS pid', [
      MEMBER_CLASS,
    ]);
    this.#rotation = (rows[0]?.pid ?? 0) % SHARD_COUNT;
  }

  /**
   * Gives up what is more than the fair share, takes free shards up to it. Never call it while rows of held shards are being published.
   * Answers whether the held shards changed.
   */
  async rebalance(): Promise<boolean> {
    const { members, taken } = await this.#census();
    const before = this.#held.length;
    const share = Math.ceil(SHARD_COUNT / Math.max(1, members));
    if (before > share) await this.#release(this.#held.slice(share));
    else if (before < share) await this.#acquire(this.#free(taken).slice(0, share - before));
    this.#members = members;
    this.#owned = taken.length + this.#held.length - before;
    return this.#held.length !== before;
  }

  async #census(): Promise<Census> {
    const { rows } = await this.#client.query<Census>(
      `SELECT count(*) FILTER (WHERE classid = $1::oid)::integer AS members,
         coalesce(array_agg(objid::integer) FILTER (WHERE classid = $2::oid), '{}') AS taken
       FROM pg_locks
       WHERE locktype = 'advisory' AND granted AND objsubid = 2
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      [MEMBER_CLASS, SHARD_CLASS],
    );
    return rows[0] ?? { members: 1, taken: [] };
  }

  /** Each session starts looking elsewhere, so that newcomers do not all try the same shards. */
  #free(taken: readonly number[]): number[] {
    const all = Array.from({ length: SHARD_COUNT }, (_, n) => (n + this.#rotation) % SHARD_COUNT);
    return all.filter((shard) => !taken.includes(shard));
  }

  async #acquire(shards: readonly number[]): Promise<void> {
    if (shards.length === 0) return;
    const { rows } = await this.#client.query<{ shard: number; locked: boolean }>(
      'SELECT shard, pg_try_advisory_lock($1, shard) AS locked FROM unnest($2::integer[]) AS wanted (shard)',
      [SHARD_CLASS, shards],
    );
    const locked = rows.filter((row) => row.locked).map((row) => row.shard);
    this.#held = [...this.#held, ...locked].sort((a, b) => a - b);
  }

  async #release(shards: readonly number[]): Promise<void> {
    this.#held = this.#held.filter((shard) => !shards.includes(shard));
    await this.#client.query('SELECT pg_advisory_unlock($1, shard) FROM unnest($2::integer[]) AS given (shard)', [SHARD_CLASS, shards]);
  }
}
