import pg from 'pg';
import type { OutboxPublisher, PublishResult } from '../outbox-publisher.js';
import { OutboxRelay, type OutboxRelayOptions } from '../outbox-relay.js';
import type { OutboxRow } from '../outbox-row.js';
import { relayClient } from '../relay-session.js';

/** A logger nobody reads. */
export const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** What a fixture needs of the test harness; the spec passes it in, because only specs may reach across rooms. */
export interface Harness {
  createTestDatabase(): Promise<{ readonly url: string; drop(): Promise<void> }>;
  waitFor<T>(attempt: () => Promise<T>, options: { readonly what: string }): Promise<unknown>;
}

/** A database of one's own with an outbox to fill, and relays on it. Reset it after each spec, close it after the file. */
export async function outboxFixture({ createTestDatabase, waitFor }: Harness) {
  const database = await createTestDatabase();
  const pool = new pg.Pool({ connectionString: database.url, max: 8 });
  pool.on('connect', (client) => client.on('error', () => undefined));
  pool.on('error', () => undefined);
  const relays: OutboxRelay[] = [];

  /** As append does it: a transaction id first, then the position; the event and its outbox row in one transaction. */
  async function insert(streamId: string, versions: readonly number[], client: pg.ClientBase | pg.Pool = pool): Promise<void> {
    for (const version of versions) {
      await client.query(
        `WITH stored AS (
           INSERT INTO tidemark.events (stream_id, version, event_id, type, schema_version, data, occurred_at, correlation_id, causation_id, actor)
           SELECT $1, $2, gen_random_uuid(), 'Counted', 1, jsonb_build_object('n', $2::integer), now(), gen_random_uuid(), gen_random_uuid(), 'spec'
           FROM (SELECT pg_current_xact_id() AS id OFFSET 0) AS mine WHERE mine.id IS NOT NULL
           RETURNING position, stream_id
         )
         INSERT INTO tidemark.outbox (shard, position, stream_id)
         SELECT (hashtextextended(stream_id, 0) & 15)::smallint, position, stream_id FROM stored`,
        [streamId, version],
      );
    }
  }

  function relay(publisher: OutboxPublisher, options: Partial<OutboxRelayOptions> & { readonly name?: string } = {}): OutboxRelay {
    const made = new OutboxRelay({
      connect: () => relayClient(database.url, options.name),
      publisher,
      logger: silent,
      pollMs: 20,
      rebalanceMs: 50,
      retry: { firstMs: 10, maxMs: 50 },
      ...options,
    });
    relays.push(made);
    return made;
  }

  /** Ends the server's side of a relay's session, as a crash or a network cut would, and waits until its locks are free. */
  const killSession = async (name: string): Promise<void> => {
    const { rows } = await pool.query<{ pid: number }>(
      'SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()',
      [name],
    );
    const gone = async (): Promise<boolean> =>
      (await pool.query('SELECT FROM pg_stat_activity WHERE pid = ANY ($1)', [rows.map(({ pid }) => pid)])).rowCount === 0;
    await waitFor(gone, { what: `the session of ${name} to end` });
  };

  const left = async (): Promise<number> =>
    (await pool.query<{ rows: number }>('SELECT count(*)::integer AS rows FROM tidemark.outbox')).rows[0]?.rows ?? 0;

  /** For the next spec of the file: no relay, nothing to publish. */
  const reset = async (): Promise<void> => {
    await Promise.all(relays.splice(0).map((each) => each.stop()));
    await pool.query(
      'TRUNCATE tidemark.events, tidemark.outbox, tidemark.outbox_dead_letters, tidemark.dead_letter_actions RESTART IDENTITY',
    );
  };

  const close = async (): Promise<void> => {
    await reset();
    await pool.end();
    await database.drop();
  };

  return { url: database.url, pool, insert, relay, killSession, left, reset, close };
}

export type OutboxFixture = Awaited<ReturnType<typeof outboxFixture>>;

export const nameOf = ({ streamId, version }: Pick<OutboxRow, 'streamId' | 'version'>): string => `${streamId}@${version}`;

/** A broker in memory: keeps the names of all rows in order of arrival, repeats included. */
export class RecordingPublisher implements OutboxPublisher {
  readonly sent: string[] = [];
  /** Replaced by a spec that wants to hold, fail or poison rows. */
  answer: (rows: readonly OutboxRow[]) => Promise<PublishResult> | PublishResult = (rows) => this.accept(rows);

  async publish(rows: readonly OutboxRow[]): Promise<PublishResult> {
    return await this.answer(rows);
  }

  accept(rows: readonly OutboxRow[]): PublishResult {
    this.sent.push(...rows.map(nameOf));
    return { published: rows.map(({ seq }) => seq), poison: [] };
  }

  /** What consumers see once repeats are dropped. */
  get first(): string[] {
    return [...new Set(this.sent)];
  }

  firstOf(streamId: string): string[] {
    return this.first.filter((name) => name.startsWith(`${streamId}@`));
  }
}

/** Something a spec waits for, and lets happen. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

export const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, n) => from + n);
