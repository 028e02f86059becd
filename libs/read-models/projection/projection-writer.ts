import { parseStreamId } from '#domain';
import { failpoints } from '#failpoints';
import type { ClientBase } from 'pg';
import { ChangeSet, type Change } from './change-set.js';
import { ProjectionPositions } from './positions.js';
import { inMilliseconds, type ProjectedEvent } from './projected-event.js';
import { MissingStateError, ProjectionGapError, UnprojectableEventError, type Projection } from './projection.js';
import { TableWriter } from './table-writer.js';
import type { Table } from './table.js';

export interface ProjectionWriterOptions {
  /** Fed by the same events: all of one category. */
  readonly projections: readonly Projection[];
  /** Where their tables and checkpoints are. Default `read`, the live ones. */
  readonly schema?: string;
}

/** What one call of `apply` did; a count is of events, times projections. */
export interface Applied {
  /** By projection; those that took nothing are missing. */
  readonly taken: ReadonlyMap<string, { readonly events: number; readonly newestRecordedAt: string }>;
  readonly duplicates: number;
}

/**
 * Applies a batch of events to projections, inside the caller's transaction:
 * - effects and checkpoints together, so that neither can be there without the other
 * - per projection, an event whose version was applied before is dropped; one that would leave a hole is refused
 * - one read of checkpoints and one write a table, however many events
 * The caller lets only one such transaction at a time touch a projection (see lockProjections).
 */
export class ProjectionWriter {
  private readonly projections: readonly Projection[];
  private readonly positions: ProjectionPositions;
  private readonly writers: ReadonlyMap<Table, TableWriter<object>>;

  constructor({ projections, schema = 'read' }: ProjectionWriterOptions) {
    this.projections = projections;
    this.positions = new ProjectionPositions(schema);
    this.writers = new Map(projections.flatMap(({ tables }) => tables.map((table) => [table, new TableWriter(table, schema)] as const)));
  }

  /**
   * Events of one stream must come in version order; repeats are fine.
   * @throws ProjectionGapError versions are missing before one of the events
   * @throws UnprojectableEventError the event can never be applied
   * @throws MissingStateError the projection's own rows are damaged: rebuild it
   */
  async apply(client: ClientBase, events: readonly ProjectedEvent[]): Promise<Applied> {
    const names = this.projections.map(({ name }) => name);
    const positions = await this.positions.load(client, names, [...new Set(events.map(({ streamId }) => streamId))]);
    const taken = new Map<string, { events: number; newestRecordedAt: string }>();
    const reached = new Map<string, Map<string, number>>();
    for (const projection of this.projections) {
      const split = freshOnly(projection.name, events, positions.get(projection.name)!);
      if (split.fresh.length === 0) continue;
      const newestRecordedAt = await this.project(client, projection, split.fresh);
      reached.set(projection.name, split.reached);
      taken.set(projection.name, { events: split.fresh.length, newestRecordedAt });
    }
    if (failpoints.armed) await failpoints.reach('projector.written');
    await this.positions.save(client, reached);
    const takenEvents = [...taken.values()].reduce((sum, each) => sum + each.events, 0);
    return { taken, duplicates: events.length * this.projections.length - takenEvents };
  }

  private async project(client: ClientBase, projection: Projection, events: readonly ProjectedEvent[]): Promise<string> {
    const states = await this.loadStates(client, projection, events);
    const changes = new ChangeSet();
    let newestRecordedAt = '';
    for (const each of events) {
      const event = readable(projection.name, each);
      for (const change of projectOne(projection, event, states.get(keyOf(event)))) {
        changes.add(change);
        if (change.table === projection.state) states.set(keyOf(event), change.row);
      }
      if (event.recordedAt > newestRecordedAt) newestRecordedAt = event.recordedAt;
    }
    for (const table of projection.tables) await this.writers.get(table)!.write(client, changes.rows(table));
    return newestRecordedAt;
  }

  /** State rows of the streams whose beginning is not in this batch. */
  private async loadStates(client: ClientBase, { state }: Projection, events: readonly ProjectedEvent[]): Promise<Map<string, object>> {
    const states = new Map<string, object>();
    if (state === undefined) return states;
    const begun = new Set<string>();
    const wanted = new Set<string>();
    for (const event of events) {
      if (event.version === 1) begun.add(event.streamId);
      else if (!begun.has(event.streamId)) wanted.add(keyOf(event));
    }
    if (wanted.size === 0) return states;
    const keyProperty = state.key[0]!.property;
    for (const row of await this.writers.get(state)!.load(client, [...wanted])) {
      states.set((row as Record<string, string>)[keyProperty]!, row);
    }
    return states;
  }
}

const keyOf = ({ streamId }: ProjectedEvent): string => parseStreamId(streamId)?.key ?? streamId;

function freshOnly(projection: string, events: readonly ProjectedEvent[], positions: ReadonlyMap<string, number>) {
  const reached = new Map<string, number>();
  const fresh: ProjectedEvent[] = [];
  for (const event of events) {
    const last = reached.get(event.streamId) ?? positions.get(event.streamId) ?? 0;
    if (event.version <= last) continue;
    if (event.version !== last + 1) throw new ProjectionGapError(projection, event.streamId, last + 1, event.version);
    fresh.push(event);
    reached.set(event.streamId, event.version);
  }
  return { fresh, reached };
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
