import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { parseStreamId, SCHEMA_VERSIONS, type AnyDomainEvent, type StreamCategory } from '#domain';
import { EventReader, EventStore, type CommandRecord, type ScannedEvent } from '#event-store';
import { createLogger, createPool, type RunningApp } from '#platform';
import { PROJECTED_CATEGORIES, projectionsOf } from '#read-models';
import { ProjectionWriter } from '#read-models/write';
import { startQueryApi } from '../../apps/query-api/query-api.js';
import { loadQueryApiConfig } from '../../apps/query-api/query-api.config.js';
import { createTestDatabase, type TestDatabase } from '../harness/index.js';

export interface AppendOptions {
  /** Business time. Default 2010-12-01T08:26:00Z. */
  readonly occurredAt?: string;
  readonly actor?: string;
  readonly correlationId?: string;
  readonly causationId?: string;
  /** Name of the command behind it; its id becomes the causation. */
  readonly command?: string;
  readonly status?: number;
}

export interface Answer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

/** The query API over a database of its own; events go in through the event store and are projected when a spec says so. */
export class QueryApiFixture {
  private readonly heads = new Map<string, number>();
  private projectedTo = 0;
  readonly store: EventStore;
  readonly reader: EventReader;

  private constructor(
    private readonly database: TestDatabase,
    readonly pool: Pool,
    readonly api: RunningApp,
  ) {
    this.store = new EventStore({ pool });
    this.reader = new EventReader({ pool });
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<QueryApiFixture> {
    const database = await createTestDatabase();
    const logger = createLogger({ app: 'query-api-spec', level: process.env['SPEC_LOG'] ?? 'silent' });
    const pool = createPool({ databaseUrl: database.url, max: 3, app: 'spec', logger, pipeline: true });
    const config = loadQueryApiConfig({ PORT: '0', DATABASE_URL: database.url, QUERY_POOL_SIZE: '4', ...env });
    return new QueryApiFixture(database, pool, await startQueryApi(config, logger, { handleSignals: false }));
  }

  get databaseUrl(): string {
    return this.database.url;
  }

  async stop(): Promise<void> {
    await this.api.close();
    await this.pool.end();
    await this.database.drop();
  }

  /** Appends to a stream at its head; answers the id of the command (or a random one) and of the events. */
  async append(
    streamId: string,
    events: readonly AnyDomainEvent[],
    options: AppendOptions = {},
  ): Promise<{ commandId: string; eventIds: string[]; correlationId: string }> {
    const expectedVersion = this.heads.get(streamId) ?? 0;
    const { occurredAt = '2010-12-01T08:26:00.000Z', actor = 'spec', correlationId = randomUUID(), command, status = 201 } = options;
    const commandId = randomUUID();
    const record: CommandRecord | undefined =
      command === undefined
        ? undefined
        : {
            id: commandId,
            name: command,
            idempotencyKey: `key-${commandId}`,
            fingerprint: 'fp',
            answer: { status, headers: {}, body: {} },
          };
    const created = events.map(({ type, data }) => ({ id: randomUUID(), type, schemaVersion: SCHEMA_VERSIONS[type], data, occurredAt }));
    const [verdict] = await this.store.append([
      {
        writes: created.length === 0 ? [] : [{ streamId, expectedVersion, events: created }],
        metadata: {
          correlationId,
          causationId: record?.id ?? options.causationId ?? randomUUID(),
          actor,
          commandId: record?.id ?? null,
          traceparent: null,
        },
        command: record,
      },
    ]);
    if (verdict?.outcome !== 'appended') throw new Error(`append to ${streamId}: ${verdict?.outcome}`);
    this.heads.set(streamId, expectedVersion + events.length);
    return { commandId, eventIds: created.map(({ id }) => id), correlationId };
  }

  /** Brings every read model up to what was appended. */
  async project(): Promise<void> {
    const byCategory = new Map<StreamCategory, ScannedEvent[]>();
    for await (const page of this.reader.readAll({ afterPosition: this.projectedTo, categories: PROJECTED_CATEGORIES })) {
      for (const event of page) {
        const { category } = parseStreamId(event.streamId)!;
        byCategory.set(category, [...(byCategory.get(category) ?? []), event]);
        this.projectedTo = event.position;
      }
    }
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      for (const [category, events] of byCategory)
        await new ProjectionWriter({ projections: projectionsOf(category) }).apply(client, events);
      await client.query('COMMIT');
    } finally {
      client.release();
    }
  }

  async get<Body = Record<string, unknown>>(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer<Body>> {
    const response = await fetch(`${this.api.url}${path}`, { method, headers });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '') && !/ndjson/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: (isJson && text !== '' ? JSON.parse(text) : text) as Body };
  }

  /** Every item of a list, page after page. */
  async walk<Item>(path: string, between: () => Promise<void> = async () => undefined): Promise<Item[]> {
    const items: Item[] = [];
    for (let cursor: string | null = null; ;) {
      const address: string = cursor === null ? path : `${path}${path.includes('?') ? '&' : '?'}cursor=${cursor}`;
      const { status, body } = await this.get<{ items: Item[]; nextCursor: string | null }>(address);
      if (status !== 200) throw new Error(`${address}: ${status}`);
      items.push(...body.items);
      if (body.nextCursor === null) return items;
      cursor = body.nextCursor;
      await between();
    }
  }
}
