import type { DomainEvent, StreamCategory } from '#domain';
import type { Change } from './change-set.js';
import type { Projected, ProjectedEvent } from './projected-event.js';
import type { Table } from './table.js';

/**
 * Events of one category into rows. Pure: what it may know of the past is the state row of the event's own stream. Everything
 * else it states as merges that come out the same in whatever order the streams arrive.
 */
export interface Projection {
  readonly name: string;
  readonly category: StreamCategory;
  /** Owned by this projection alone, so that it can be rebuilt and swapped alone. */
  readonly tables: readonly Table[];
  /** One of `tables`: its row, keyed by the stream's key, is handed to `project`. */
  readonly state: Table | undefined;
  project(event: ProjectedEvent, state: object | undefined): Change[];
}

export interface ProjectionDefinition<Name extends string, Event extends DomainEvent, State extends object> {
  readonly name: Name;
  readonly category: StreamCategory;
  readonly tables: readonly Table[];
  readonly state?: Table<State>;
  /** A change of the state table is also the state that the stream's next event meets. */
  project(event: Projected<Event>, state: State | undefined): Change[];
}

/** The caller sees to it that only events of the projection's category come in; here the types forget which. */
export function defineProjection<Name extends string, Event extends DomainEvent, State extends object = never>(
  definition: ProjectionDefinition<Name, Event, State>,
): Projection & { readonly name: Name } {
  return { state: undefined, ...definition } as unknown as Projection & { readonly name: Name };
}

/** The state row that the stream's earlier events must have left. @throws MissingStateError */
export function known<State>(state: State | undefined, event: ProjectedEvent): State {
  if (state === undefined) throw new MissingStateError(event);
  return state;
}

/** The read side does not have what the event's predecessors must have written. */
export class MissingStateError extends Error {
  constructor({ type, streamId, version }: ProjectedEvent) {
    super(`${type} of ${streamId}@${version} finds no row of its stream's earlier events: rebuild the projection`);
    this.name = 'MissingStateError';
  }
}

/** Versions of a stream are missing before this event: it must not be applied. */
export class ProjectionGapError extends Error {
  constructor(
    readonly projection: string,
    readonly streamId: string,
    readonly expectedVersion: number,
    readonly actualVersion: number,
  ) {
    super(`projection ${projection} expects ${streamId}@${expectedVersion} but got version ${actualVersion}`);
    this.name = 'ProjectionGapError';
  }
}

/** This event can never be projected: its data is not what its type promises. */
export class UnprojectableEventError extends Error {
  constructor(
    readonly projection: string,
    readonly event: ProjectedEvent,
    override readonly cause: unknown,
  ) {
    super(`projection ${projection} cannot take ${event.type} of ${event.streamId}@${event.version}: ${String(cause)}`);
    this.name = 'UnprojectableEventError';
  }
}
