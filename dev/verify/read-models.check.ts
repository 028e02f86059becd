import type { BesideRebuild, ProjectionName } from '#read-models';
import { number, Violations, type Finding } from './finding.js';

/** A second set of a projection's tables, made from the event store alone. */
export type Rebuilt = Pick<BesideRebuild, 'events' | 'compare' | 'close'>;

export interface ReadModelsOptions {
  readonly projections: readonly ProjectionName[];
  rebuild(projection: ProjectionName): Promise<Rebuilt>;
}

/**
 * I6: every read model equals its rebuild from the events, row by row, and stands at the same versions. Live tables that were
 * behind are a violation as well: the stack stood still when this began.
 */
export async function checkReadModels({ projections, rebuild }: ReadModelsOptions): Promise<Finding> {
  const violations = new Violations();
  let tables = 0;
  let rows = 0;
  for (const projection of projections) {
    const rebuilt = await rebuild(projection);
    try {
      const comparison = await rebuilt.compare();
      for (const { table, liveRows, rebuiltRows, differing, samples } of comparison.tables) {
        tables += 1;
        rows += rebuiltRows;
        if (differing === 0) continue;
        for (const { key, live, rebuilt: made } of samples) {
          violations.add(`${projection}: row ${key.join('/')} of ${table} ${describe(live, made)}`);
        }
        violations.count += differing - samples.length;
        if (liveRows !== rebuiltRows) violations.add(`${projection}: ${table} has ${liveRows} rows, its rebuild ${rebuiltRows}`);
      }
      const { streams, events } = comparison.liveBehind;
      if (streams > 0) violations.add(`${projection} has not applied ${events} events of ${streams} streams`);
    } finally {
      await rebuilt.close();
    }
  }
  return {
    checked: `${number(projections.length)} projections, ${number(tables)} tables, ${number(rows)} rows equal their rebuild`,
    counts: { projections: projections.length, tables, rows },
    violations,
  };
}

function describe(live: Readonly<Record<string, unknown>> | null, rebuilt: Readonly<Record<string, unknown>> | null): string {
  if (live === null) return 'is missing';
  if (rebuilt === null) return 'should not be there';
  const columns = Object.keys(rebuilt).filter((column) => JSON.stringify(live[column]) !== JSON.stringify(rebuilt[column]));
  return `differs: ${columns.map((column) => `${column} is ${JSON.stringify(live[column])}, should be ${JSON.stringify(rebuilt[column])}`).join('; ')}`;
}
