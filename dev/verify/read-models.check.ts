import type { ProjectionName } from '#read-models';
import type { BesideRebuild, Comparison } from '#read-models/write';
import { number, Violations, type Finding } from './finding.js';

/** A second set of a projection's tables, made from the event store alone. */
export type Rebuilt = Pick<BesideRebuild, 'compare' | 'close'>;

export interface ReadModelsOptions {
  readonly projections: readonly ProjectionName[];
  rebuild(projection: ProjectionName): Promise<Rebuilt>;
}

/** As many rebuilds at once: one reads and folds in this process while the other writes in the database. */
const AT_ONCE = 2;

/**
 * I6: every read model equals its rebuild from the events, row by row, and stands at the same versions. Live tables that were
 * behind are a violation as well: the stack stood still when this began.
 */
export async function checkReadModels({ projections, rebuild }: ReadModelsOptions): Promise<Finding> {
  const left = projections.values();
  const comparisons = new Map<ProjectionName, Comparison>();
  const lane = async (): Promise<void> => {
    for (const projection of left) comparisons.set(projection, await compare(await rebuild(projection)));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));

  const violations = new Violations();
  for (const projection of projections) report(projection, comparisons.get(projection)!, violations);
  const tables = [...comparisons.values()].flatMap((comparison) => comparison.tables);
  const rows = tables.reduce((sum, { rebuiltRows }) => sum + rebuiltRows, 0);
  return {
    checked: `${number(projections.length)} projections, ${number(tables.length)} tables, ${number(rows)} rows equal their rebuild`,
    counts: { projections: projections.length, tables: tables.length, rows },
    violations,
  };
}

async function compare(rebuilt: Rebuilt): Promise<Comparison> {
  try {
    return await rebuilt.compare();
  } finally {
    await rebuilt.close();
  }
}

function report(projection: ProjectionName, { tables, liveBehind }: Comparison, violations: Violations): void {
  for (const { table, liveRows, rebuiltRows, differing, samples } of tables) {
    if (differing === 0) continue;
    for (const { key, live, rebuilt } of samples)
      violations.add(`${projection}: row ${key.join('/')} of ${table} ${describe(live, rebuilt)}`);
    violations.count += differing - samples.length;
    if (liveRows !== rebuiltRows) violations.add(`${projection}: ${table} has ${liveRows} rows, its rebuild ${rebuiltRows}`);
  }
  if (liveBehind.streams > 0) violations.add(`${projection} has not applied ${liveBehind.events} events of ${liveBehind.streams} streams`);
}

function describe(live: Readonly<Record<string, unknown>> | null, rebuilt: Readonly<Record<string, unknown>> | null): string {
  if (live === null) return 'is missing';
  if (rebuilt === null) return 'should not be there';
  const columns = Object.keys(rebuilt).filter((column) => JSON.stringify(live[column]) !== JSON.stringify(rebuilt[column]));
  return `differs: ${columns.map((column) => `${column} is ${JSON.stringify(live[column])}, should be ${JSON.stringify(rebuilt[column])}`).join('; ')}`;
}
