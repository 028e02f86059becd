import type { StreamCategory } from '#domain';
import { customersProjection } from './customers/customers.projection.js';
import { fulfilmentsProjection } from './fulfilments/fulfilments.projection.js';
import { ordersProjection } from './orders/orders.projection.js';
import { overviewProjection } from './overview/overview.projection.js';
import { productsProjection } from './products/products.projection.js';
import type { Projection } from './projection/projection.js';
import { stockProjection } from './stock/stock.projection.js';

/**
 * Every projection. Its place in this list is its number in the advisory lock of its writers: only ever add at the end.
 */
const ALL = [
  ordersProjection,
  stockProjection,
  customersProjection,
  productsProjection,
  overviewProjection,
  fulfilmentsProjection,
] as const;

export type ProjectionName = (typeof ALL)[number]['name'];

export const PROJECTIONS: readonly Projection[] = ALL;
export const PROJECTION_NAMES: readonly ProjectionName[] = ALL.map(({ name }) => name);

export const isProjectionName = (name: string): name is ProjectionName => ALL.some((projection) => projection.name === name);

export const projectionNamed = (name: ProjectionName): Projection => ALL.find((projection) => projection.name === name)!;

/** The projections that events of this category feed. */
export const projectionsOf = (category: StreamCategory): Projection[] => PROJECTIONS.filter((each) => each.category === category);

/** Categories that feed any projection: what the projector listens to. */
export const PROJECTED_CATEGORIES: readonly StreamCategory[] = [...new Set(PROJECTIONS.map(({ category }) => category))];

export interface ProjectionTable {
  /** Name in schema `read`. */
  readonly name: string;
  readonly keyColumns: readonly string[];
  /** Columns that must equal those of a rebuild, the key first. */
  readonly comparedColumns: readonly string[];
}

/** The tables a projection owns: what a rebuild compares and swaps, and what must equal a fold of the events. */
export const tablesOf = (name: ProjectionName): ProjectionTable[] =>
  projectionNamed(name).tables.map(({ name: table, key, compared }) => ({
    name: table,
    keyColumns: key.map((column) => column.name),
    comparedColumns: compared,
  }));
