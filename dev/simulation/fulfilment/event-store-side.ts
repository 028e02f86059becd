import { streamId, type DomainEvent, type StreamCategory } from '#domain';
import type { Statements, StatementResult } from '../postgres/statements.js';
import { MemoryTable, type Transaction } from '../postgres/transaction.js';

export interface StoredRow {
  readonly position: number;
  readonly streamId: string;
  readonly version: number;
  readonly id: string;
  readonly type: string;
  readonly schemaVersion: number;
  readonly data: object;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly correlationId: string;
  readonly causationId: string;
  readonly actor: string;
}

interface Head {
  readonly version: number;
}

interface KeptSnapshot {
  readonly streamId: string;
  readonly version: number;
  readonly schemaVersion: number;
  readonly state: object;
}

const EVENT_COLUMNS = [
  ['position', 'int8'],
  ['stream_id', 'text'],
  ['version', 'int4'],
  ['event_id', 'text'],
  ['type', 'text'],
  ['schema_version', 'int4'],
  ['data', 'jsonb'],
  ['occurred_at', 'timestamptz'],
  ['recorded_at', 'timestamptz'],
  ['correlation_id', 'text'],
  ['causation_id', 'text'],
  ['actor', 'text'],
  ['command_id', 'text'],
  ['traceparent', 'text'],
] as const;

const HEAD_COLUMNS = [
  ['stream_id', 'text'],
  ['version', 'int4'],
] as const;

/** Streams and events, and the statements of the event store over them. What SQL promises, not how it gets there. */
export class EventStoreSide {
  readonly events = new MemoryTable<StoredRow>('events');
  private readonly streams = new MemoryTable<Head>('streams');
  private readonly snapshots = new MemoryTable<KeptSnapshot>('snapshots');
  private lastPosition = 0;

  constructor(statements: Statements) {
    statements
      .name('tidemark-lock-streams', (transaction, [ids]) => {
        const sorted = [...(ids as string[])].sort();
        this.lock(transaction, sorted);
        for (const id of sorted) if (transaction.get(this.streams, id) === undefined) transaction.put(this.streams, id, { version: 0 });
        return { columns: HEAD_COLUMNS, rows: sorted.map((id) => [id, transaction.get(this.streams, id)?.version]) };
      })
      .name('tidemark-versions-of', (transaction, [ids]) => ({
        columns: HEAD_COLUMNS,
        rows: (ids as string[]).flatMap((id) => {
          const head = transaction.get(this.streams, id);
          return head === undefined ? [] : [[id, head.version]];
        }),
      }))
      .name('tidemark-append', (transaction, values) => this.append(transaction, values as unknown[][]))
      .name('tidemark-read-many', (transaction, [ids, after]) => ({
        columns: EVENT_COLUMNS,
        rows: (ids as string[]).flatMap((id, i) => this.stream(transaction, id, (after as number[])[i] as number).map(eventRow)),
      }))
      .name('tidemark-load-snapshots', (transaction, [ids]) => ({
        columns: [
          ['stream_id', 'text'],
          ['version', 'int4'],
          ['schema_version', 'int4'],
          ['state', 'jsonb'],
        ],
        rows: (ids as string[])
          .map((id) => transaction.get(this.snapshots, id))
          .filter((kept) => kept !== undefined)
          .map((kept) => [kept.streamId, kept.version, kept.schemaVersion, kept.state]),
      }))
      .name('tidemark-save-snapshots', (transaction, [ids, versions, schemas, states]) => {
        (ids as string[]).forEach((id, i) => {
          const version = (versions as number[])[i] as number;
          if ((transaction.get(this.snapshots, id)?.version ?? 0) >= version) return;
          const state = JSON.parse((states as string[])[i] as string) as object;
          transaction.put(this.snapshots, id, { streamId: id, version, schemaVersion: (schemas as number[])[i] as number, state });
        });
        return {};
      })
      .text(/^NOTIFY /, () => ({}));
  }

  /** Committed events of a stream, in order. */
  committed(id: string): StoredRow[] {
    const rows: StoredRow[] = [];
    for (let row = this.events.rows.get(`${id}@1`); row !== undefined; row = this.events.rows.get(`${id}@${rows.length + 1}`))
      rows.push(row);
    return rows;
  }

  committedOf(category: StreamCategory): Map<string, StoredRow[]> {
    const ids = [...this.streams.rows].filter(([id, { version }]) => version > 0 && id.startsWith(`${category}-`)).map(([id]) => id);
    return new Map(ids.map((id) => [id, this.committed(id)]));
  }

  versionOf(id: string): number {
    return this.streams.rows.get(id)?.version ?? 0;
  }

  /** Appends to a stream whose head nobody holds; for neighbours that append through the same store. */
  write(transaction: Transaction, category: StreamCategory, key: string, events: readonly DomainEvent[], ids: () => string): void {
    const id = streamId(category, key);
    transaction.lockRow(this.streams as MemoryTable<never>, id);
    const correlationId = ids();
    for (const { type, data } of events) {
      const about = { id: ids(), type, schemaVersion: 1, data, occurredAt: new Date(transaction.now).toISOString() };
      this.put(transaction, id, { ...about, correlationId, causationId: correlationId, actor: 'customer' });
    }
  }

  private lock(transaction: Transaction, sorted: readonly string[]): void {
    for (const id of sorted) transaction.lockRow(this.streams as MemoryTable<never>, id);
  }

  private put(transaction: Transaction, id: string, about: Omit<StoredRow, 'position' | 'streamId' | 'version' | 'recordedAt'>): void {
    const version = (transaction.get(this.streams, id)?.version ?? 0) + 1;
    this.lastPosition += 1;
    const recordedAt = new Date(transaction.now).toISOString();
    transaction.put(this.events, `${id}@${version}`, { ...about, position: this.lastPosition, streamId: id, version, recordedAt });
    transaction.put(this.streams, id, { version });
  }

  private stream(transaction: Transaction, id: string, after: number): StoredRow[] {
    const rows: StoredRow[] = [];
    for (let version = after + 1; ; version += 1) {
      const row = transaction.get(this.events, `${id}@${version}`);
      if (row === undefined) return rows;
      rows.push(row);
    }
  }

  /** The arguments of tidemark.append, see appendArguments; commands are not simulated. */
  private append(transaction: Transaction, values: unknown[][]): StatementResult {
    const [correlations, causations, actors] = values as [string[], string[], string[]];
    const streams = values[13] as string[];
    const [writeRequests, writeStreams, expected] = values.slice(15, 18) as [number[], number[], number[]];
    const [eventWrites, , ids, types, schemas, data, occurred] = values.slice(19, 26) as [
      number[],
      number[],
      string[],
      string[],
      number[],
      string[],
      string[],
    ];
    this.lock(transaction, [...streams].sort());
    const refused: unknown[][] = [];
    actors.forEach((actor, r) => {
      const writes = writeRequests.flatMap((request, w) => (request === r + 1 ? [w] : []));
      const versionOf = (w: number): number =>
        transaction.get(this.streams, streams[(writeStreams[w] as number) - 1] as string)?.version ?? 0;
      const conflict = writes.find((w) => versionOf(w) !== expected[w]);
      if (conflict !== undefined) {
        const id = streams[(writeStreams[conflict] as number) - 1];
        refused.push([r + 1, 'conflict', id, expected[conflict], versionOf(conflict)]);
        return;
      }
      eventWrites.forEach((write, e) => {
        if (!writes.includes(write - 1)) return;
        this.put(transaction, streams[(writeStreams[write - 1] as number) - 1] as string, {
          id: ids[e] as string,
          type: types[e] as string,
          schemaVersion: schemas[e] as number,
          data: JSON.parse(data[e] as string) as object,
          occurredAt: occurred[e] as string,
          correlationId: correlations[r] as string,
          causationId: causations[r] as string,
          actor,
        });
      });
    });
    return {
      columns: [
        ['request', 'int4'],
        ['outcome', 'text'],
        ['stream_id', 'text'],
        ['expected_version', 'int4'],
        ['actual_version', 'int4'],
      ],
      rows: refused,
    };
  }
}

const eventRow = (row: StoredRow): unknown[] => {
  const { position, streamId, version, id, type, schemaVersion, data, occurredAt, recordedAt, correlationId, causationId, actor } = row;
  return [
    position,
    streamId,
    version,
    id,
    type,
    schemaVersion,
    data,
    occurredAt,
    recordedAt,
    correlationId,
    causationId,
    actor,
    null,
    null,
  ];
};
