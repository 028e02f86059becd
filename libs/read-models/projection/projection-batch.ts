import { failpoints } from '#failpoints';
import type { ClientBase } from 'pg';
import { allAnswered } from './all-answered.js';
import { ChangeSet, type Change } from './change-set.js';
import type { Positions, ProjectionPositions } from './positions.js';
import { inMilliseconds, type ProjectedEvent } from './projected-event.js';
import { MissingStateError, ProjectionGapError, UnprojectableEventError, type Projection } from './projection.js';
import type { TableWriter } from './table-writer.js';
import type { Table } from './table.js';

export interface ProjectionBatchOptions {
  readonly projections: readonly Projection[];
  readonly positions: ProjectionPositions;
  readonly writers: ReadonlyMap<Table, TableWriter<object>>;
  /** The tables were empty and hold nothing but what came before from the same scan: a stream's first event finds no checkpoint. */
  readonly fromBeginning?: boolean;
  /** The write of the batch before. What this one reads of the tables it reads after that. */
  readonly after?: Promise<unknown>;
}

/** What one write did; a count is of events, times projections. */
export interface Applied {
  /** By projection; those that took nothing are missing. */
  readonly taken: ReadonlyMap<string, { readonly events: number; readonly newestRecordedAt: string }>;
  readonly duplicates: number;
}

/**
 * Events folded into rows, in memory until they are written. What it has folded it knows: streams are looked up once, when their first
 * event comes that is not the beginning of the stream.
 */
export class ProjectionBatch {
  private readonly folds: readonly Fold[];
  private readonly names: readonly string[];
  /** Streams whose checkpoints were looked up. */
  private readonly seen = new Set<string>();
  /** Streams whose state rows were looked up, or begin here. */
  private readonly stateSeen = new Set<string>();
  private events = 0;

  constructor(private readonly options: ProjectionBatchOptions) {
    this.names = options.projections.map(({ name }) => name);
    this.folds = options.projections.map((projection) => new Fold(projection, options.writers));
  }

  /** Rows that a write would write, checkpoints included. */
  get rows(): number {
    return this.folds.reduce((sum, { changes, reached }) => sum + changes.size + reached.size, 0);
  }

  /**
   * Events of one stream must come in version order; repeats are fine. A batch that threw is of no more use.
   * @throws ProjectionGapError versions are missing before one of the events
   * @throws UnprojectableEventError the event can never be applied
   * @throws MissingStateError the projection's own rows are damaged: rebuild it
   */
  async take(client: ClientBase, events: readonly ProjectedEvent[]): Promise<void> {
    this.events += events.length;
    const positions = await this.lookUp(client, events);
    for (const fold of this.folds) fold.take(fold.freshOnly(events, positions.get(fold.projection.name)));
  }

  /**
   * All tables, and then the checkpoints, in the caller's transaction, which ends with them when `end` says so. Sent without waiting for
   * answers: what follows a statement that failed is refused, and a COMMIT then is a ROLLBACK.
   */
  async write(client: ClientBase, end?: 'COMMIT'): Promise<Applied> {
    const sent: Promise<unknown>[] = [];
    let failed = false;
    const send = (statement: Promise<unknown>): void => {
      // Awaited in a moment, but not if the next table's rows cannot be made ready.
      statement.catch(() => (failed = true));
      sent.push(statement);
    };
    for (const { writer, rows } of this.folds.flatMap((fold) => fold.toWrite())) send(writer.write(client, writer.columnsOf(rows)));
    // What pg cannot write fails here and never reaches the server: nothing there would refuse the COMMIT. pg tells it in the next tick, and
    // the promises above have passed it on by the one after.
    for (let ticks = 0; ticks < 2; ticks += 1) await new Promise<void>((resolve) => process.nextTick(resolve));
    if (failed || failpoints.armed) await allAnswered(sent);
    if (failpoints.armed) await failpoints.reach('projector.written');
    const reached: Positions = new Map(this.folds.map((fold) => [fold.projection.name, fold.reached]));
    send(this.options.positions.save(client, reached));
    if (end !== undefined) send(client.query(end));
    await allAnswered(sent);
    const taken = new Map(
      this.folds.flatMap(({ projection, events, newestRecordedAt }) =>
        events > 0 ? [[projection.name, { events, newestRecordedAt }] as const] : [],
      ),
    );
    const takenEvents = [...taken.values()].reduce((sum, each) => sum + each.events, 0);
    return { taken, duplicates: this.events * this.folds.length - takenEvents };
  }

  /**
   * The checkpoints of streams not met before, and the state rows that events may go on from: all asked for in one go, though a repeat
   * will not need its row. Waiting for the one to ask for the others was four round trips more.
   */
  private async lookUp(client: ClientBase, events: readonly ProjectedEvent[]): Promise<Positions> {
    const streams: string[] = [];
    const goingOn: string[] = [];
    for (const { streamId, version } of events) {
      if (!this.seen.has(streamId)) {
        this.seen.add(streamId);
        if (version > 1 || this.options.fromBeginning !== true) streams.push(streamId);
        else this.stateSeen.add(streamId);
      }
      if (version > 1 && !this.stateSeen.has(streamId)) {
        this.stateSeen.add(streamId);
        goingOn.push(streamId);
      }
    }
    if (streams.length === 0 && goingOn.length === 0) return new Map();
    await this.options.after;
    const positions = this.options.positions.load(client, this.names, streams);
    await allAnswered([positions, ...this.folds.map((fold) => fold.loadStates(client, goingOn))]);
    return await positions;
  }
}

/** What a batch is to one projection. */
class Fold {
  readonly changes = new ChangeSet();
  /** Versions that the checkpoints will be at. */
  readonly reached = new Map<string, number>();
  events = 0;
  newestRecordedAt = '';
  /** Versions that the checkpoints are at. */
  private readonly applied = new Map<string, number>();
  private readonly states = new Map<string, object>();

  constructor(
    readonly projection: Projection,
    private readonly writers: ReadonlyMap<Table, TableWriter<object>>,
  ) {}

  freshOnly(events: readonly ProjectedEvent[], loaded: ReadonlyMap<string, number> = new Map()): ProjectedEvent[] {
    for (const [streamId, version] of loaded) this.applied.set(streamId, version);
    const fresh: ProjectedEvent[] = [];
    for (const event of events) {
      const last = this.reached.get(event.streamId) ?? this.applied.get(event.streamId) ?? 0;
      if (event.version <= last) continue;
      if (event.version !== last + 1) throw new ProjectionGapError(this.projection.name, event.streamId, last + 1, event.version);
      fresh.push(event);
      this.reached.set(event.streamId, event.version);
    }
    return fresh;
  }

  async loadStates(client: ClientBase, streamIds: readonly string[]): Promise<void> {
    const { state } = this.projection;
    if (state === undefined || streamIds.length === 0) return;
    const keyProperty = state.key[0]!.property;
    for (const row of await this.writers.get(state)!.load(
      client,
      streamIds.map((id) => this.keyOf(id)),
    )) {
      this.states.set((row as Record<string, string>)[keyProperty]!, row);
    }
  }

  take(fresh: readonly ProjectedEvent[]): void {
    const { projection, changes, states } = this;
    this.events += fresh.length;
    for (const each of fresh) {
      const event = readable(projection.name, each);
      const key = projection.state === undefined ? '' : this.keyOf(event.streamId);
      for (const change of projectOne(projection, event, states.get(key))) {
        changes.add(change);
        if (change.table === projection.state) states.set(key, change.row);
      }
      if (event.recordedAt > this.newestRecordedAt) this.newestRecordedAt = event.recordedAt;
    }
  }

  toWrite(): { readonly writer: TableWriter<object>; readonly rows: readonly object[] }[] {
    return this.projection.tables
      .map((table) => ({ writer: this.writers.get(table)!, rows: this.changes.rows(table) }))
      .filter(({ rows }) => rows.length > 0);
  }

  /** All events are of the projection's category. */
  private keyOf(streamId: string): string {
    return streamId.slice(this.projection.category.length + 1);
  }
}

function readable(projection: string, event: ProjectedEvent): ProjectedEvent {
  try {
    return inMilliseconds(event);
  } catch (error) {
    throw new UnprojectableEventError(projection, event, error);
  }
}

/** Projections are total over what their types promise, so whatever one throws is the event's fault. */
function projectOne(projection: Projection, event: ProjectedEvent, state: object | undefined): Change[] {
  try {
    const changes: Change[] | undefined = projection.project(event, state);
    if (changes === undefined) throw new TypeError(`no event of this projection is called ${event.type}`);
    return changes;
  } catch (error) {
    // a first event that needs a predecessor is not damage of ours
    if (error instanceof MissingStateError && event.version > 1) throw error;
    throw new UnprojectableEventError(projection.name, event, error);
  }
}
