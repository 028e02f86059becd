import pg from 'pg';
import { OutboxTable } from './outbox-table.js';
import { ScanFloor } from './scan-floor.js';
import { ShardLocks } from './shard-locks.js';

/**
 * A connection for one relay session, not yet connected. Its own side notices a dead server within the query timeout, since the session
 * asks something every second.
 */
export function relayClient(databaseUrl: string, applicationName = 'tidemark-relay-session'): pg.Client {
  return new pg.Client({
    connectionString: databaseUrl,
    application_name: applicationName,
    connectionTimeoutMillis: 5_000,
    query_timeout: 10_000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
  });
}

/**
 * The server's side of the same: a relay whose machine vanished (no FIN comes) or that was stopped must not keep its locks.
 * - TCP: probe after 3 s of silence, each second, give up after three; unacknowledged data is waited for 6 s.
 * - A live session speaks every second, so 6 s of silence is a process that stands still; inside a transaction (a look of the scan
 *   floor's) that has a time-out of its own.
 * A deletion does not wait for the disk: one that is lost when the database crashes costs repeats, as one that was never made, and the rows
 * that come next are not kept waiting (at 1,000 events/s a deletion took 12 ms at p99, and 4 so). What others wait for is durable: appends, and
 * what operators decide, which takes what it stands on with it.
 * The planner settings leave index look-ups only: the outbox is usually empty, and a plan made for that must not scan a full one.
 */
const SESSION_SETTINGS = `
  SET tcp_keepalives_idle = 3;
  SET tcp_keepalives_interval = 1;
  SET tcp_keepalives_count = 3;
  SET tcp_user_timeout = 6000;
  SET idle_session_timeout = 6000;
  SET idle_in_transaction_session_timeout = 6000;
  SET statement_timeout = 30000;
  SET synchronous_commit = off;
  SET enable_seqscan = off;
  SET enable_bitmapscan = off;
  SET enable_hashjoin = off;
  SET enable_mergejoin = off;
  SET jit = off;
`;

const HEARTBEAT_MS = 1_000;
/** How long an orderly end may take. */
const CLOSE_MS = 1_000;

/**
 * Connection, locks and table of one relay session. Once the connection is lost, or a statement failed, everything about it is void:
 * make a new one.
 */
export class RelaySession {
  readonly #client: pg.Client;
  readonly #locks: ShardLocks;
  readonly #table: OutboxTable;
  readonly #floor: ScanFloor;
  readonly #onLost: (error: Error) => void;
  #heartbeat: NodeJS.Timeout | undefined;
  #beating: Promise<unknown> | undefined;
  #busy = false;
  #open = true;
  /** Settles when nobody has the connection. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(client: pg.Client, onLost: (error: Error) => void) {
    this.#client = client;
    this.#onLost = onLost;
    this.#locks = new ShardLocks(client);
    this.#table = new OutboxTable(client);
    this.#floor = new ScanFloor(client);
  }

  /** Connects and becomes a member. `onLost` is called once, when the connection ends in any way but by `close`. */
  static async open(client: pg.Client, onLost: (error: Error) => void): Promise<RelaySession> {
    const session = new RelaySession(client, onLost);
    client.on('error', (error) => session.#lose(error));
    client.on('end', () => session.#lose(new Error('the database ended the connection')));
    try {
      await client.connect();
      await client.query(SESSION_SETTINGS);
      await session.#locks.join();
    } catch (error) {
      session.#cut();
      throw error;
    }
    session.#heartbeat = setInterval(() => session.#beat(), HEARTBEAT_MS).unref();
    return session;
  }

  get open(): boolean {
    return this.#open;
  }

  get shares(): Pick<ShardLocks, 'held' | 'members' | 'owned'> {
    return this.#locks;
  }

  /** See ScanFloor; as of the last sounding. */
  get oldestAgeMs(): number {
    return this.#floor.oldestAgeMs;
  }

  /**
   * Statements on the session's connection; callers take turns. When one fails the session is void: what it still holds is not known, and
   * who comes after gets an error.
   */
  use<T>(work: (table: OutboxTable, locks: ShardLocks, floor: ScanFloor) => Promise<T>): Promise<T> {
    const used = this.#turn.then(() => this.#use(work));
    this.#turn = used.catch(() => undefined);
    return used;
  }

  async #use<T>(work: (table: OutboxTable, locks: ShardLocks, floor: ScanFloor) => Promise<T>): Promise<T> {
    await this.#beating;
    if (!this.#open) throw new Error('the session is over');
    this.#busy = true;
    try {
      return await work(this.#table, this.#locks, this.#floor);
    } catch (error) {
      this.#cut();
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  /** Ends the connection in order, or cuts it when that takes long; the server frees the locks. */
  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    clearInterval(this.#heartbeat);
    const cut = setTimeout(() => this.#cut(), CLOSE_MS);
    await this.#client.end();
    clearTimeout(cut);
  }

  #beat(): void {
    if (this.#busy || this.#beating !== undefined) return;
    this.#beating = this.#client
      .query('SELECT 1')
      .catch((error: Error) => this.#lose(error))
      .finally(() => (this.#beating = undefined));
  }

  /** Without a word to the server, which may not answer. */
  #cut(): void {
    this.#open = false;
    clearInterval(this.#heartbeat);
    this.#client.connection.stream.destroy();
  }

  #lose(error: Error): void {
    if (!this.#open) return;
    this.#cut();
    this.#onLost(error);
  }
}
