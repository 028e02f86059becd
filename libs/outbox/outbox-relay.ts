import { failpoints } from '#failpoints';
import type { Logger } from '#platform';
import type pg from 'pg';
import type { OutboxPublisher, PoisonRow } from './outbox-publisher.js';
import type { OutboxRow } from './outbox-row.js';
import type { OutboxTable, ReadRow } from './outbox-table.js';
import { RelaySession } from './relay-session.js';
import type { ScanFloor } from './scan-floor.js';
import type { ShardLocks } from './shard-locks.js';
import { WakeUp } from './wake-up.js';

/** What one round of read, publish, delete came to. */
export interface RelayPass {
  readonly read: number;
  readonly published: number;
  readonly poison: number;
  /** Age of the oldest row read, milliseconds; by this process's clock. */
  readonly oldestAgeMs: number;
  readonly durationMs: number;
}

/**
 * Rounds at a time with a backlog: one for each that works. Measured beside one round at a time, on two busy cores: four of 1,000 rows
 * 1.4 ×, two of 2,000 rows 1.1 to 1.7 ×, three 1.3 to 2.0 ×, four 1.7 ×.
 */
const PARTS = 3;

/** What a pass came to, of one round or more. */
interface Work {
  readonly read: number;
  readonly published: number;
  /** A shard gave as many rows as it may, so that there may be more. One that was cut short by its bytes does not count: a long round as it is. */
  readonly backlog: boolean;
}

export interface RelayHealth {
  /** The session that holds the locks is open. */
  readonly connected: boolean;
  readonly shards: readonly number[];
  /** Relays that share the shards. */
  readonly members: number;
  /** Shards held by any relay; less than 16 for longer than a moment means rows that nobody sends. */
  readonly shardsOwned: number;
  /** Age of the oldest row of the held shards that could be published, milliseconds; measured once a second: see ScanFloor. */
  readonly oldestAgeMs: number;
  /** ISO 8601 UTC of the last round that went well, also one that found nothing. */
  readonly lastPassAt: string | null;
  /** Milliseconds since then, by a clock that does not jump; null before the first. */
  readonly silentMs: number | null;
  /** Since when rounds fail, and why; null when the last one went well. */
  readonly failing: { readonly since: string; readonly reason: string } | null;
}

export interface OutboxRelayOptions {
  /** A fresh, unconnected client for each session: see relayClient. Not from a pool, not through a pooler. */
  readonly connect: () => pg.Client;
  readonly publisher: OutboxPublisher;
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error' | 'debug'>;
  /** Who parks dead letters, as recorded with them. Default 'system:relay'. */
  readonly actor?: string;
  /** Most rows a round; with a backlog there are three at a time. Default 2000. */
  readonly batchSize?: number;
  /**
   * Most bytes of event data a round, as stored; with a backlog the three share them. Default 4 MiB. Compressed: in memory it may be forty
   * times as much (measured: orders of 5,000 lines that say the same), and what the rounds hold must stay well below the heap of 512 MiB.
   */
  readonly batchBytes?: number;
  /** How long to wait for a wake-up when there is nothing to do, milliseconds. Default 500. */
  readonly pollMs?: number;
  /** Least pause after a round that left nothing behind, so that a steady trickle goes in batches, milliseconds. Default 2. */
  readonly lingerMs?: number;
  /** How often shards are shared out anew, milliseconds. Default 1000. */
  readonly rebalanceMs?: number;
  /** Pause after a failure: doubled each time, milliseconds. Default 100 to 5000. */
  readonly retry?: { readonly firstMs: number; readonly maxMs: number };
  /** After each round that found rows. Must not throw. */
  readonly onPass?: (pass: RelayPass) => void;
}

/**
 * Publishes the outbox.
 * - Every row at least once; a row is deleted after the publisher acknowledged it, on the connection that holds its shard.
 * - First occurrences of a stream's rows leave in version order, also when a relay loses its locks half way: what it sends late are repeats.
 * - Nothing is skipped when transactions commit out of order: each round reads whatever is there.
 * - Poison goes to the dead letters and holds back its own stream alone.
 * - Several relays share the shards; what a dead one held is taken over within about a second, within eight when it only stands still.
 * - A lost connection voids the session: nothing is deleted any more, everything is read again on a new one.
 */
export class OutboxRelay {
  readonly #options: Required<Omit<OutboxRelayOptions, 'onPass'>> & Pick<OutboxRelayOptions, 'onPass'>;
  readonly #wakeUp = new WakeUp();
  #session: RelaySession | undefined;
  #rebalanceAt = 0;
  /** Of the last pass: see Work. */
  #backlog = false;
  #failures = 0;
  #failing: RelayHealth['failing'] = null;
  #lastPassAt: string | null = null;
  #lastPass: number | undefined;
  #stopping = false;
  #running: Promise<void> | undefined;

  constructor(options: OutboxRelayOptions) {
    this.#options = {
      actor: 'system:relay',
      batchSize: 2_000,
      batchBytes: 4 * 1024 * 1024,
      pollMs: 500,
      lingerMs: 2,
      rebalanceMs: 1_000,
      retry: { firstMs: 100, maxMs: 5_000 },
      ...options,
    };
  }

  /** Starts the loop; it ends with `stop` and with nothing else. */
  start(): void {
    this.#running ??= this.#loop();
  }

  /** There may be rows: look now instead of at the next poll. */
  wake(): void {
    this.#wakeUp.wake();
  }

  /** Lets the running round finish, then gives up the shards. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wakeUp.wake();
    await this.#running;
    const session = this.#session;
    this.#session = undefined;
    await session?.close();
  }

  /**
   * Shares out the shards and publishes until they are empty (but for rows that are held back); answers how many rows were published.
   * For tests and scripts; the loop does the same for ever. Throws what went wrong instead of trying again.
   */
  async runOnce(): Promise<number> {
    let total = 0;
    this.#rebalanceAt = 0;
    for (;;) {
      const pass = await this.#pass();
      if (pass.read === 0) return total;
      total += pass.published;
    }
  }

  health(): RelayHealth {
    const shares = this.#session?.shares;
    return {
      connected: this.#session?.open ?? false,
      shards: shares?.held ?? [],
      members: shares?.members ?? 0,
      shardsOwned: shares?.owned ?? 0,
      oldestAgeMs: this.#session?.oldestAgeMs ?? 0,
      lastPassAt: this.#lastPassAt,
      silentMs: this.#lastPass === undefined ? null : Math.round(performance.now() - this.#lastPass),
      failing: this.#failing,
    };
  }

  async #loop(): Promise<void> {
    const { lingerMs, pollMs, logger } = this.#options;
    while (!this.#stopping) {
      try {
        const { read, backlog } = await this.#pass();
        this.#failures = 0;
        this.#failing = null;
        if (read === 0) await this.#wakeUp.wait(pollMs);
        else if (!backlog) await this.#wakeUp.pause(lingerMs);
      } catch (err) {
        this.#failures += 1;
        this.#failing ??= { since: new Date().toISOString(), reason: err instanceof Error ? err.message : String(err) };
        this.#backlog = false;
        const pauseMs = this.#retryPause();
        logger.warn({ event: 'relay.round.failed', err, failures: this.#failures, pauseMs });
        // Not cut short by wake-ups: every append would make a failing broker's life harder.
        await this.#wakeUp.pause(pauseMs, () => this.#stopping);
      }
    }
  }

  #retryPause(): number {
    const { firstMs, maxMs } = this.#options.retry;
    const ceiling = Math.min(maxMs, firstMs * 2 ** Math.min(this.#failures - 1, 20));
    return Math.round(ceiling * (0.75 + Math.random() / 4));
  }

  /**
   * One round, or with a backlog as many as it takes until the shards are to be shared out anew. Throws when the session was lost or the
   * publisher failed; in both cases what was not deleted is read again.
   */
  async #pass(): Promise<Work> {
    const session = await this.#ensureSession();
    const shards = await session.use((_, locks, floor) => this.#shares(locks, floor));
    const work = this.#backlog && shards.length > 1 ? await this.#drain(session, shards) : await this.#round(session, shards);
    this.#backlog = work.backlog;
    return work;
  }

  /**
   * With a backlog the shards are dealt into parts, and each is read, published and deleted from for itself: database, this process and
   * broker then work at the same time. A shard is in one part only, so its rows never overtake each other. All parts end when one has no
   * backlog, lest its rows wait for the others'; and nothing is under way any more when this ends, for shards may be given up then.
   */
  async #drain(session: RelaySession, shards: readonly number[]): Promise<Work> {
    let [read, published, over] = [0, 0, false];
    const parts = dealt(shards, Math.min(PARTS, shards.length));
    const drainPart = async (part: readonly number[]): Promise<void> => {
      try {
        do {
          const work = await this.#round(session, part, parts.length);
          read += work.read;
          published += work.published;
          over ||= !work.backlog;
        } while (!over && !this.#stopping && performance.now() < this.#rebalanceAt);
      } catch (error) {
        over = true;
        throw error;
      }
    };
    const ends = await Promise.allSettled(parts.map(drainPart));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    return { read, published, backlog: !over };
  }

  /** Read, publish, delete. @param parts rounds at the same time, this one included */
  async #round(session: RelaySession, shards: readonly number[], parts = 1): Promise<Work> {
    const startedAt = performance.now();
    const { rows, backlog } = await session.use((table, _, floor) => this.#read(table, floor, shards, parts));
    this.#lastPassAt = new Date().toISOString();
    this.#lastPass = performance.now();
    if (rows.length === 0) return { read: 0, published: 0, backlog };

    if (failpoints.armed) await failpoints.reach('relay.read');
    const { published, poison, failure } = await this.#options.publisher.publish(rows);
    if (failpoints.armed) await failpoints.reach('relay.acknowledged');
    const bySeq = new Map(rows.map((row) => [row.seq, row]));
    const done = published.map((seq) => bySeq.get(seq)).filter((row) => row !== undefined);
    await session.use(async (table) => {
      await table.remove(done);
      for (const letter of poison) {
        const row = bySeq.get(letter.seq);
        if (row !== undefined) await this.#park(table, row, letter);
      }
    });

    const pass: RelayPass = {
      read: rows.length,
      published: done.length,
      poison: poison.length,
      oldestAgeMs: Math.max(0, Date.now() - Date.parse(oldestOf(rows))),
      durationMs: performance.now() - startedAt,
    };
    this.#options.onPass?.(pass);
    if (failure !== undefined) throw failure;
    if (done.length === 0 && poison.length === 0) throw new Error('the publisher sent nothing and gave no reason');
    return { read: pass.read, published: pass.published, backlog };
  }

  /** The shards that are ours; shared out anew when it is time. */
  async #shares(locks: ShardLocks, floor: ScanFloor): Promise<readonly number[]> {
    if (performance.now() < this.#rebalanceAt) return locks.held;
    if (await locks.rebalance()) {
      this.#options.logger.info({ event: 'relay.shards.changed', shards: locks.held, members: locks.members });
    }
    const { look, hidden } = await floor.sound(locks.held);
    // Somebody inserted below the floor without saying so. The rows are published with this round, late.
    if (hidden.length > 0) this.#options.logger.error({ event: 'relay.floor.hid-rows', hidden });
    if (look === 'given-up') this.#options.logger.warn({ event: 'relay.look.given-up' });
    this.#rebalanceAt = performance.now() + this.#options.rebalanceMs;
    return locks.held;
  }

  async #read(
    table: OutboxTable,
    floor: ScanFloor,
    shards: readonly number[],
    parts: number,
  ): Promise<{ rows: ReadRow[]; backlog: boolean }> {
    if (shards.length === 0) return { rows: [], backlog: false };
    const { batchSize, batchBytes } = this.#options;
    const rowsPerShard = Math.ceil(batchSize / shards.length);
    const rows = await table.read(
      shards.map((shard) => ({ shard, floor: floor.of(shard) })),
      { epoch: floor.epoch, rowsPerShard, bytesPerShard: Math.ceil(batchBytes / parts / shards.length) },
    );
    return { rows, backlog: mostOfAShard(rows) >= rowsPerShard };
  }

  async #park(table: OutboxTable, row: OutboxRow, letter: PoisonRow): Promise<void> {
    await table.park(row, letter, this.#options.actor);
    const { seq, streamId, version, eventId } = row;
    this.#options.logger.error({ event: 'relay.row.parked', seq, streamId, version, eventId, reason: letter.reason });
  }

  async #ensureSession(): Promise<RelaySession> {
    if (this.#session?.open === true) return this.#session;
    this.#session = undefined;
    this.#rebalanceAt = 0;
    const session = await RelaySession.open(this.#options.connect(), (err) => {
      this.#options.logger.warn({ event: 'relay.session.lost', err });
      this.#wakeUp.wake();
    });
    this.#options.logger.info({ event: 'relay.session.opened' });
    this.#session = session;
    return session;
  }
}

function mostOfAShard(rows: readonly OutboxRow[]): number {
  const counts = new Map<number, number>();
  for (const { shard } of rows) counts.set(shard, (counts.get(shard) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}

/** Card by card. */
const dealt = (shards: readonly number[], parts: number): number[][] =>
  Array.from({ length: parts }, (_, part) => shards.filter((_, index) => index % parts === part));

/** All are ISO 8601 in UTC with milliseconds, which sort as texts. */
const oldestOf = (rows: readonly OutboxRow[]): string =>
  rows.reduce((oldest, { recordedAt }) => (recordedAt < oldest ? recordedAt : oldest), rows[0]!.recordedAt);
