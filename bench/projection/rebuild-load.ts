import type { ProjectionName } from '#read-models';

/** What each contender rebuilds from. */
export interface RebuildSettings {
  readonly databaseUrl: string;
  /** Events in its store. */
  readonly events: number;
}

export interface RebuildLoad {
  readonly projections: readonly ProjectionName[];
}
