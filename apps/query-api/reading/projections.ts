import { STREAM_CATEGORIES, type StreamCategory } from '#domain';
import { PROJECTION_NAMES, projectionNamed, tablesOf, type ProjectionName } from '#read-models';

/** What answers are made of: the read models, and the event store itself. */
export type Source = ProjectionName | 'event-store';

/** The streams a source is made from. */
export const categoriesOf = (source: Source): readonly StreamCategory[] =>
  source === 'event-store' ? STREAM_CATEGORIES : [projectionNamed(source).category];

/** Tables of these projections, with their schema, in the order in which a rebuild locks them. */
export const tablesOfAll = (projections: readonly ProjectionName[]): string[] =>
  PROJECTION_NAMES.filter((name) => projections.includes(name)).flatMap((name) => tablesOf(name).map((table) => `read.${table.name}`));
