import { Readable } from 'node:stream';
import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { parseStreamId } from '#domain';
import { EventReader } from '#event-store/read';
import { queryProblem } from '../reading/query-problems.js';
import { Read } from '../reading/read.js';
import { StreamAnswer } from '../reading/stream-answer.js';
import type { DiffAnswer, StateAnswer, StreamHistory } from './audit.answers.js';
import { auditedEvents } from './audited-event.js';
import { masked } from './masking.js';
import { differences } from './state-diff.js';
import { eventPages, StreamStates } from './stream-states.js';

export interface HistoryRange {
  readonly fromVersion: number;
  readonly toVersion?: number;
  /** Server time, inclusive. */
  readonly until?: Date;
}

/** One page of a stream's history. */
export class GetStreamHistory extends Read<StreamHistory> {
  readonly sources = ['event-store'] as const;

  constructor(
    readonly streamId: string,
    readonly range: HistoryRange,
    readonly limit: number,
  ) {
    super();
  }
}

/** A stream's history as NDJSON, without end but its own. */
export class ExportStream extends Read<StreamAnswer> {
  readonly sources = ['event-store'] as const;

  constructor(
    readonly streamId: string,
    readonly range: HistoryRange,
  ) {
    super();
  }
}

/** A stream's state at a version or a time; its newest when neither is given. */
export class GetStreamState extends Read<StateAnswer> {
  readonly sources = ['event-store'] as const;

  constructor(
    readonly streamId: string,
    readonly point: { readonly version?: number; readonly at?: Date },
    /** Begin at the write side's snapshot where that serves. */
    readonly fromSnapshot = false,
  ) {
    super();
  }
}

/** What changed between two versions; 0 is before the first event, and `to` is the newest unless given. */
export class DiffStream extends Read<DiffAnswer> {
  readonly sources = ['event-store'] as const;

  constructor(
    readonly streamId: string,
    readonly from: number,
    readonly to?: number,
  ) {
    super();
  }
}

@QueryHandler(GetStreamHistory)
export class GetStreamHistoryHandler implements IQueryHandler<GetStreamHistory> {
  constructor(@Inject(EventReader) private readonly reader: EventReader) {}

  async execute({ streamId, range, limit }: GetStreamHistory): Promise<StreamHistory> {
    const head = await existingHead(this.reader, streamId);
    const events = await this.reader.readStream(streamId, { ...range, limit: limit + 1 });
    const shown = events.slice(0, limit);
    return {
      streamId,
      head,
      events: await auditedEvents(this.reader, shown),
      nextFromVersion: events.length > limit ? events[limit]!.version : null,
    };
  }
}

/** Events a read while exporting. */
const EXPORT_PAGE = 500;

@QueryHandler(ExportStream)
export class ExportStreamHandler implements IQueryHandler<ExportStream> {
  constructor(@Inject(EventReader) private readonly reader: EventReader) {}

  /** Pages are read only as fast as the client takes them; when it goes away the stream is destroyed and reading ends. */
  async execute({ streamId, range }: ExportStream): Promise<StreamAnswer> {
    await existingHead(this.reader, streamId);
    return new StreamAnswer(Readable.from(this.lines(streamId, range), { objectMode: false }), 'application/x-ndjson');
  }

  private async *lines(streamId: string, range: HistoryRange): AsyncGenerator<string, void, undefined> {
    for await (const page of eventPages(this.reader, streamId, range, EXPORT_PAGE)) {
      const events = await auditedEvents(this.reader, page);
      yield events.map((event) => `${JSON.stringify(event)}\n`).join('');
    }
  }
}

@QueryHandler(GetStreamState)
export class GetStreamStateHandler implements IQueryHandler<GetStreamState> {
  constructor(
    @Inject(EventReader) private readonly reader: EventReader,
    @Inject(StreamStates) private readonly states: StreamStates,
  ) {}

  async execute({ streamId, point, fromSnapshot }: GetStreamState): Promise<StateAnswer> {
    const head = await existingHead(this.reader, streamId);
    if (point.version !== undefined) requireVersion(streamId, point.version, head);
    const toVersion = point.version ?? head;
    const base = fromSnapshot ? await this.states.snapshot(streamId, toVersion) : undefined;
    const { version, state, last } = await this.states.at(streamId, { toVersion, until: point.at }, base);
    return {
      streamId,
      category: parseStreamId(streamId)!.category,
      version,
      head,
      occurredAt: last?.occurredAt ?? null,
      recordedAt: last?.recordedAt ?? null,
      snapshotVersion: base?.version ?? null,
      state: masked(state),
    };
  }
}

@QueryHandler(DiffStream)
export class DiffStreamHandler implements IQueryHandler<DiffStream> {
  constructor(
    @Inject(EventReader) private readonly reader: EventReader,
    @Inject(StreamStates) private readonly states: StreamStates,
  ) {}

  async execute({ streamId, from, to: wanted }: DiffStream): Promise<DiffAnswer> {
    const head = await existingHead(this.reader, streamId);
    const to = wanted ?? head;
    for (const version of [from, to]) requireVersion(streamId, version, head);
    // The later state continues the earlier one, so every event is read once.
    const [low, high] = from <= to ? [from, to] : [to, from];
    const earlier = await this.states.at(streamId, { toVersion: low });
    const later = await this.states.at(streamId, { toVersion: high }, earlier);
    const [before, after] = from <= to ? [earlier, later] : [later, earlier];
    return { streamId, from, to, changes: differences(masked(before.state), masked(after.state)) };
  }
}

async function existingHead(reader: EventReader, streamId: string): Promise<number> {
  const head = parseStreamId(streamId) === undefined ? 0 : await reader.head(streamId);
  if (head === 0) throw queryProblem('stream.not-found', 'Streams are named <category>-<key>, like order-<id> or stock-<SKU>.');
  return head;
}

function requireVersion(streamId: string, version: number, head: number): void {
  if (version > head) throw queryProblem('stream.version-not-found', `${streamId} stands at version ${head}.`, { head });
}
