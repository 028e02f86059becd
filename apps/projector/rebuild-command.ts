import { upcasters } from '#domain';
import { EventReader, Upcasters } from '#event-store/read';
import { createLogger, createPool } from '#platform';
import type { ProjectionName } from '#read-models';
import { rebuildBeside, RebuildBusyError, TablesBusyError } from '#read-models/write';
import { describeComparison, number, ProgressLine, seconds } from './rebuild-report.js';

export interface RebuildCommandOptions {
  readonly databaseUrl: string;
  /** Swap even when the rebuilt tables differ from the live ones. */
  readonly accept: boolean;
  readonly out: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly err: NodeJS.WritableStream;
}

/** Rebuilds one projection after the other, telling what it does. Answers whether each was put in place. */
export async function runRebuild(names: readonly ProjectionName[], options: RebuildCommandOptions): Promise<boolean> {
  const logger = createLogger({ app: 'rebuild', level: 'warn', destination: { write: (line: string) => void options.err.write(line) } });
  const pool = createPool({ databaseUrl: options.databaseUrl, max: 2, app: 'rebuild', logger });
  const source = new EventReader({ pool, upcasters: new Upcasters(upcasters) });
  try {
    let fine = true;
    for (const name of names) {
      try {
        fine = (await rebuildOne(name, source, options)) && fine;
      } catch (error) {
        if (!(error instanceof RebuildBusyError || error instanceof TablesBusyError)) throw error;
        options.err.write(`${name}: ${error.message}\n`);
        fine = false;
      }
    }
    return fine;
  } finally {
    await pool.end();
  }
}

async function rebuildOne(
  name: ProjectionName,
  source: EventReader,
  { databaseUrl, accept, out }: RebuildCommandOptions,
): Promise<boolean> {
  const startedAt = performance.now();
  const progress = new ProgressLine(name, out);
  const rebuild = await rebuildBeside(name, { databaseUrl, source, onProgress: (state) => progress.show(state) });
  try {
    progress.end();
    out.write(`${name}: built from ${number(rebuild.events)} events in ${seconds(performance.now() - startedAt)}, comparing\n`);
    const swapStartedAt = performance.now();
    const result = await rebuild.swap({ accept });
    out.write(describeComparison(result));
    const took = seconds(performance.now() - swapStartedAt);
    if (!result.swapped) out.write(`${name}: DIFFERENT from the live tables, which stay; --accept takes the rebuilt ones\n`);
    else out.write(`${name}: ${result.equal ? 'equal' : 'DIFFERENT, accepted'}; compared and swapped in ${took}\n`);
    return result.swapped;
  } finally {
    await rebuild.close();
  }
}
