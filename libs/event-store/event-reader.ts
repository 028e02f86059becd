import type pg from 'pg';
import type { StoredAnswer } from './append-request.js';
import type { Snapshot } from './snapshot.js';
import type { ScannedEvent, StoredEvent } from './stored-event.js';
import { EVENT_COLUMNS, SCAN_COLUMNS, scannedEventOf, storedEventOf, storeTypes, type EventRow, type ScanRow } from './stored-event-row.js';
import { Upcasters } from './upcasters.js';

export interface EventReaderOptions {
  readonly pool: pg.Pool;
  /** Default: none, events come back as they were stored. */
  readonly upcasters?: Upcasters;
}

export interface StreamRange {
  /** First version to read. Default 1. */
  readonly fromVersion?: number;
  /** Last version to read. Default: the newest. */
  readonly toVersion?: number;
  /** The stream as it was recorded at this moment (server time, inclusive). */
  readonly until?: Date;
  /** Most events to answer. Default: all. */
  readonly limit?: number;
}

export interface ScanOptions {
  /** Continue an interrupted scan behind this position. Not a subscription: see {@link EventReader.readAll}. */
  readonly afterPosition?: number;
  /** Only streams of these categories (`<category>-<key>`). Default: all. */
  readonly categories?: readonly string[];
  /** Events an answer. Default 1000. */
  readonly batchSize?: number;
}

/** A row of tidemark.commands. */
export interface StoredCommand {
  readonly id: string;
  readonly name: string;
  readonly actor: string;
  readonly idempotencyKey: string;
  readonly correlationId: string;
  /** ISO 8601 UTC. */
  readonly receivedAt: string;
  readonly answer: StoredAnswer;
}

type Queryable = Pick<pg.Pool, 'query'>;

const NO_VERSION_ABOVE = 2_147_483_647;

/** The read side of the streams in PostgreSQL. Writes nothing. Every event comes back upcast to the newest version of its type. */
export class EventReader {
  readonly #pool: pg.Pool;
  readonly #upcasters: Upcasters;

  constructor({ pool, upcasters = new Upcasters() }: EventReaderOptions) {
    this.#pool = pool;
    this.#upcasters = upcasters;
  }

  /** A stream forwards; empty when there is none. With `until` always a prefix of the stream, also where the clock was set back. */
  async readStream(
    streamId: string,
    { fromVersion = 1, toVersion = NO_VERSION_ABOVE, until, limit }: StreamRange = {},
  ): Promise<StoredEvent[]> {
    return await this.#events(this.#pool, {
      name: 'tidemark-read-stream',
      text: `
        SELECT ${EVENT_COLUMNS} FROM tidemark.events e
        WHERE e.stream_id = $1 AND e.version BETWEEN $2 AND $3
          AND ($4::timestamptz IS NULL OR e.version < coalesce(
            (SELECT min(later.version) FROM tidemark.events later WHERE later.stream_id = $1 AND later.recorded_at > $4), ${NO_VERSION_ABOVE}))
        ORDER BY e.version LIMIT $5`,
      values: [streamId, fromVersion, toVersion, until?.toISOString() ?? null, limit ?? null],
    });
  }

  /** What came after a known version, for many streams at once; a stream without news has an empty list. */
  async readMany(
    wanted: readonly { readonly streamId: string; readonly afterVersion: number }[],
    client: Queryable = this.#pool,
  ): Promise<Map<string, StoredEvent[]>> {
    const found = new Map<string, StoredEvent[]>(wanted.map(({ streamId }) => [streamId, []]));
    if (wanted.length === 0) return found;
    // LATERAL with ORDER BY keeps this one index range a stream, whatever the planner believes about the sizes.
    const events = await this.#events(client, {
      name: 'tidemark-read-many',
      text: `
        SELECT e.* FROM unnest($1::text[], $2::integer[]) AS wanted (stream_id, after_version)
        CROSS JOIN LATERAL (
          SELECT ${EVENT_COLUMNS} FROM tidemark.events e
          WHERE e.stream_id = wanted.stream_id AND e.version > wanted.after_version
          ORDER BY e.version
        ) AS e`,
      values: [wanted.map(({ streamId }) => streamId), wanted.map(({ afterVersion }) => afterVersion)],
    });
    for (const event of events) found.get(event.streamId)?.push(event);
    return found;
  }

  /**
   * The whole store in order of position, for rebuilds. Promises: every event committed before the scan began is answered; within a
   * stream versions ascend without a hole; it ends. Events committed meanwhile may or may not be there: continue from Kafka offsets
   * taken before the scan. Never follow the store with this: a lower position may be committed later.
   *
   * The end is fixed at the start, and that is what closes holes: an event whose predecessor a page missed, because it was not yet
   * committed, gets a position beyond that end. So each page may be a statement of its own, and no long snapshot holds up vacuum.
   */
  async *readAll({ afterPosition = 0, categories, batchSize = 1_000 }: ScanOptions = {}): AsyncGenerator<ScannedEvent[], void, undefined> {
    const end = await this.lastPosition();
    for (let after = afterPosition; after < end;) {
      // Without ids of commands and causes: a seventh of what reading an event costs, and no projection looks at them.
      const { rows } = await this.#pool.query<ScanRow>({
        name: 'tidemark-read-all',
        text: `
          SELECT ${SCAN_COLUMNS} FROM tidemark.events e
          WHERE e.position > $1 AND e.position <= $2 AND ($3::text[] IS NULL OR split_part(e.stream_id, '-', 1) = ANY ($3))
          ORDER BY e.position LIMIT $4`,
        values: [after, end, categories ?? null, batchSize],
        rowMode: 'array',
        types: storeTypes,
      });
      const page = rows.map((row) => scannedEventOf(row, this.#upcasters));
      const last = page.at(-1);
      if (last === undefined) return;
      yield page;
      after = last.position;
    }
  }

  /** The highest position that is committed; 0 in an empty store. */
  async lastPosition(): Promise<number> {
    const { rows } = await this.#pool.query<{ last: number }>({
      text: 'SELECT coalesce(max(position), 0) AS last FROM tidemark.events',
      types: storeTypes,
    });
    return rows[0]?.last ?? 0;
  }

  /** All that followed from one first command, in order of position; the first `limit` of it. Default: all. */
  async readCorrelation(correlationId: string, limit?: number): Promise<StoredEvent[]> {
    return await this.#events(this.#pool, {
      name: 'tidemark-read-correlation',
      text: `SELECT ${EVENT_COLUMNS} FROM tidemark.events e WHERE e.correlation_id = $1 ORDER BY e.position LIMIT $2`,
      values: [correlationId, limit ?? null],
    });
  }

  async findCommand(commandId: string): Promise<StoredCommand | undefined> {
    return (await this.findCommands([commandId])).get(commandId);
  }

  /** By id; one that does not exist is missing. */
  async findCommands(commandIds: readonly string[]): Promise<Map<string, StoredCommand>> {
    if (commandIds.length === 0) return new Map();
    const { rows } = await this.#pool.query({
      text: `
        SELECT command_id, name, actor, idempotency_key, correlation_id, received_at, status, headers, body
        FROM tidemark.commands WHERE command_id = ANY ($1::uuid[])`,
      values: [commandIds],
      types: storeTypes,
    });
    return new Map(
      rows.map((row) => [
        row.command_id,
        {
          id: row.command_id,
          name: row.name,
          actor: row.actor,
          idempotencyKey: row.idempotency_key,
          correlationId: row.correlation_id,
          receivedAt: row.received_at,
          answer: { status: row.status, headers: row.headers, body: row.body },
        },
      ]),
    );
  }

  /** The stream's newest version; 0 when there is no such stream. */
  async head(streamId: string): Promise<number> {
    const { rows } = await this.#pool.query<{ version: number }>({
      name: 'tidemark-head',
      text: 'SELECT version FROM tidemark.streams WHERE stream_id = $1',
      values: [streamId],
    });
    return rows[0]?.version ?? 0;
  }

  /** By stream id; a stream without a snapshot is missing. */
  async loadSnapshots(streamIds: readonly string[], client: Queryable = this.#pool): Promise<Map<string, Snapshot>> {
    const { rows } = await client.query({
      name: 'tidemark-load-snapshots',
      text: 'SELECT stream_id, version, schema_version, state FROM tidemark.snapshots WHERE stream_id = ANY ($1)',
      values: [streamIds],
    });
    return new Map(
      rows.map((row) => [
        row.stream_id,
        { streamId: row.stream_id, version: row.version, schemaVersion: row.schema_version, state: row.state },
      ]),
    );
  }

  async #events(client: Queryable, query: { name: string; text: string; values: unknown[] }): Promise<StoredEvent[]> {
    const { rows } = await client.query<EventRow>({ ...query, rowMode: 'array', types: storeTypes });
    return rows.map((row) => storedEventOf(row, this.#upcasters));
  }
}
