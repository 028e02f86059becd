import { upcasters } from '#domain';
import { EventReader, Upcasters } from '#event-store/read';
import { createLogger, createPool } from '#platform';
import type { ProjectionName } from '#read-models';
import { RebuildBusyError, rebuildTogether, TablesBusyError, type BesideRebuild } from '#read-models/write';
import { describeComparison, number, ProgressLine, seconds } from './rebuild-report.js';

export interface RebuildCommandOptions {
  readonly databaseUrl: string;
  /** Swap even when the rebuilt tables differ from the live ones. */
  readonly accept: boolean;
  readonly out: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly err: NodeJS.WritableStream;
}

/**
 * Builds the projections from one reading of the store, then compares and swaps one after the other, telling what it does. Answers
 * whether each was put in place.
 */
export async function runRebuild(names: readonly ProjectionName[], options: RebuildCommandOptions): Promise<boolean> {
  const logger = createLogger({ app: 'rebuild', level: 'warn', destination: { write: (line: string) => void options.err.write(line) } });
  const pool = createPool({ databaseUrl: options.databaseUrl, max: 2, app: 'rebuild', logger });
  const source = new EventReader({ pool, upcasters: new Upcasters(upcasters) });
  try {
    const outcomes = await buildAll([...new Set(names)], source, options);
    let fine = true;
    let failure: unknown;
    for (const [name, outcome] of outcomes) {
      try {
        if (outcome instanceof Error) throw outcome;
        fine = (await putInPlace(name, outcome, options)) && fine;
      } catch (error) {
        fine = false;
        if (error instanceof RebuildBusyError || error instanceof TablesBusyError) options.err.write(`${name}: ${error.message}\n`);
        else failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    return fine;
  } finally {
    await pool.end();
  }
}

async function buildAll(
  names: readonly ProjectionName[],
  source: EventReader,
  { databaseUrl, out }: RebuildCommandOptions,
): Promise<Map<ProjectionName, BesideRebuild | Error>> {
  const startedAt = performance.now();
  const progress = new ProgressLine(names.length === 1 ? names[0]! : `${names.length} projections`, out);
  const outcomes = await rebuildTogether(names, { databaseUrl, source, onProgress: (state) => progress.show(state) });
  progress.end();
  const took = seconds(performance.now() - startedAt);
  for (const [name, outcome] of outcomes) {
    if (!(outcome instanceof Error)) out.write(`${name}: built from ${number(outcome.events)} events, ${took} after the start\n`);
  }
  return outcomes;
}

async function putInPlace(name: ProjectionName, rebuild: BesideRebuild, { accept, out }: RebuildCommandOptions): Promise<boolean> {
  const startedAt = performance.now();
  try {
    const result = await rebuild.swap({ accept });
    out.write(describeComparison(result));
    const took = seconds(performance.now() - startedAt);
    if (!result.swapped) out.write(`${name}: DIFFERENT from the live tables, which stay; --accept takes the rebuilt ones\n`);
    else out.write(`${name}: ${result.equal ? 'equal' : 'DIFFERENT, accepted'}; compared and swapped in ${took}\n`);
    return result.swapped;
  } finally {
    await rebuild.close();
  }
}
