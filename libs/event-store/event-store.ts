import type pg from 'pg';
import { appendArguments } from './append-arguments.js';
import type { AppendRequest, AppendVerdict, StoredAnswer } from './append-request.js';
import type { Snapshot } from './snapshot.js';

export interface EventStoreOptions {
  readonly pool: pg.Pool;
}

/** What a pool and a client have in common. */
type Queryable = Pick<pg.Pool, 'query'>;

interface VerdictRow {
  request: number;
  outcome: 'conflict' | 'repeated' | 'key-reused';
  stream_id: string;
  expected_version: number;
  actual_version: number;
  command_id: string;
  status: number;
  headers: Record<string, string>;
  body: unknown;
}

const APPEND = `
  SELECT request, outcome, stream_id, expected_version, actual_version, command_id, status, headers, body
  FROM tidemark.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)
`;

/**
 * The write side of the streams in PostgreSQL.
 * - Events, outbox rows, idempotency keys and their answers commit together or not at all.
 * - A stream's versions run 1..n without a hole; positions ascend within a stream.
 * - Requests of one call do not touch each other: a refused one burns no version and leaves no row.
 * - Isolation must be READ COMMITTED (the default): under a stricter one a wait ends in an error instead of a verdict.
 */
export class EventStore {
  readonly #pool: pg.Pool;
  readonly #prepared = new WeakMap<readonly AppendRequest[], unknown[]>();

  constructor({ pool }: EventStoreOptions) {
    this.#pool = pool;
  }

  /**
   * Encodes these requests now, for a later `append` of the very same array: milliseconds for hundreds of events, which a caller who has
   * to wait anyway can spend before it holds locks.
   */
  prepare(requests: readonly AppendRequest[]): readonly AppendRequest[] {
    this.#prepared.set(requests, appendArguments(requests));
    return requests;
  }

  /**
   * One round trip for many requests and many streams; answers a verdict for each, in their order. A request sees what earlier ones of
   * the same call appended. Without `client` the call is its own transaction; with one it takes part in the caller's, and nothing
   * counts until that commits.
   *
   * A database error (malformed UUID, text that jsonb refuses) fails the whole call: {@link GroupCommit} then isolates the culprit.
   */
  async append(requests: readonly AppendRequest[], client: Queryable = this.#pool): Promise<AppendVerdict[]> {
    const verdicts = requests.map((): AppendVerdict => ({ outcome: 'appended' }));
    if (requests.length === 0) return verdicts;
    const values = this.#prepared.get(requests) ?? appendArguments(requests);
    const { rows } = await client.query<VerdictRow>({ name: 'tidemark-append', text: APPEND, values });
    for (const row of rows) verdicts[row.request - 1] = verdictOf(row);
    return verdicts;
  }

  /**
   * Versions of streams whose heads stay locked until the caller's transaction ends; a stream that does not exist is at 0. Heads are
   * locked in one order for all callers, so take all streams of a transaction in one call, before its append.
   */
  async lockStreams(client: Queryable, streamIds: readonly string[]): Promise<Map<string, number>> {
    if (streamIds.length === 0) return new Map();
    const { rows } = await client.query<{ stream_id: string; version: number }>({
      name: 'tidemark-lock-streams',
      text: 'SELECT stream_id, version FROM tidemark.lock_streams($1)',
      values: [[...new Set(streamIds)]],
    });
    return versionsIn(rows);
  }

  /** Where these streams stand, without a lock: an append that expects it may yet be refused. One that does not exist is missing. */
  async versionsOf(client: Queryable, streamIds: readonly string[]): Promise<Map<string, number>> {
    if (streamIds.length === 0) return new Map();
    const { rows } = await client.query<{ stream_id: string; version: number }>({
      name: 'tidemark-versions-of',
      text: 'SELECT stream_id, version FROM tidemark.streams WHERE stream_id = ANY ($1)',
      values: [streamIds],
    });
    return versionsIn(rows);
  }

  /**
   * Which of these streams somebody else has locked at this moment. Waits for nobody. A stream that another transaction is about to
   * begin is not seen.
   */
  async heldStreams(streamIds: readonly string[]): Promise<Set<string>> {
    const { rows } = await this.#pool.query<{ stream_id: string }>({
      name: 'tidemark-held-streams',
      text: `
        WITH free AS MATERIALIZED (
          SELECT stream_id FROM tidemark.streams WHERE stream_id = ANY ($1) FOR NO KEY UPDATE SKIP LOCKED
        )
        SELECT stream_id FROM tidemark.streams WHERE stream_id = ANY ($1) AND stream_id NOT IN (SELECT stream_id FROM free)`,
      values: [[...new Set(streamIds)]],
    });
    return new Set(rows.map(({ stream_id }) => stream_id));
  }

  /** What the command with this key was answered, if it was. A cheap look before deciding; append checks again, for certain. */
  async findAnswer(idempotencyKey: string): Promise<{ commandId: string; fingerprint: string; answer: StoredAnswer } | undefined> {
    const { rows } = await this.#pool.query<VerdictRow & { fingerprint: string }>({
      name: 'tidemark-find-answer',
      text: 'SELECT command_id, fingerprint, status, headers, body FROM tidemark.commands WHERE idempotency_key = $1',
      values: [idempotencyKey],
    });
    return rows[0] && { commandId: rows[0].command_id, fingerprint: rows[0].fingerprint, answer: answerOf(rows[0]) };
  }

  /** Keeps the newer of what is there and what is given. Snapshots only save reading: losing one loses nothing. */
  async saveSnapshots(snapshots: readonly Snapshot[]): Promise<void> {
    if (snapshots.length === 0) return;
    await this.#pool.query({
      name: 'tidemark-save-snapshots',
      text: `
        INSERT INTO tidemark.snapshots AS kept (stream_id, version, schema_version, state)
        SELECT * FROM unnest($1::text[], $2::integer[], $3::integer[], $4::jsonb[]) AS given (stream_id, version, schema_version, state)
        ORDER BY given.stream_id COLLATE "C"
        ON CONFLICT (stream_id) DO UPDATE
        SET version = excluded.version, schema_version = excluded.schema_version, state = excluded.state
        WHERE (kept.schema_version, kept.version) < (excluded.schema_version, excluded.version)`,
      values: [
        snapshots.map(({ streamId }) => streamId),
        snapshots.map(({ version }) => version),
        snapshots.map(({ schemaVersion }) => schemaVersion),
        snapshots.map(({ state }) => JSON.stringify(state)),
      ],
    });
  }
}

const versionsIn = (rows: readonly { stream_id: string; version: number }[]): Map<string, number> =>
  new Map(rows.map(({ stream_id, version }) => [stream_id, version]));

function verdictOf(row: VerdictRow): AppendVerdict {
  switch (row.outcome) {
    case 'conflict':
      return {
        outcome: 'conflict',
        streamId: row.stream_id,
        expectedVersion: row.expected_version,
        actualVersion: row.actual_version,
      };
    case 'repeated':
      return { outcome: 'repeated', answer: answerOf(row), commandId: row.command_id };
    case 'key-reused':
      return { outcome: 'key-reused' };
  }
}

function answerOf({ status, headers, body }: VerdictRow): StoredAnswer {
  return { status, headers, body };
}
