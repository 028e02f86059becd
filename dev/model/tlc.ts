import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jarsOf } from '../maven-jars.js';
import { REPOSITORY_ROOT } from '../paths.js';
import { sagaTableModule } from './saga-table-module.js';

export const MODEL = join(REPOSITORY_ROOT, 'dev', 'model');
const POM = join(MODEL, 'pom.xml');

const INVARIANTS = ['NothingRefused', 'StockConserved', 'NeverTwice', 'EndsAccountedFor'];

export interface ModelSize {
  readonly orders: number;
  /** Pieces of the one SKU that the orders want, one each. */
  readonly pieces: number;
  /** What may go wrong in one run: crashes, lost, late and repeated messages, forgotten keys, … */
  readonly faults: number;
  /** Also whether every order ends. Dear: for small sizes. */
  readonly liveness: boolean;
}

export interface ModelResult {
  readonly ok: boolean;
  /** States generated, and distinct ones among them. */
  readonly generated: number;
  readonly distinct: number;
  readonly durationMs: number;
  /** The invariant or property that does not hold, or what else went wrong; null when ok. */
  readonly error: string | null;
  /** TLC's own words; with an error they have the states that lead to it. */
  readonly output: string;
}

/** Explores every behaviour of Saga.tla in that size, with the steps of the table or with others. Throws when there is no Java or Maven. */
export async function checkModel(size: ModelSize, tableModule = sagaTableModule()): Promise<ModelResult> {
  const jars = await needed('Apache Maven', jarsOf('tla', POM));
  const scratch = mkdtempSync(join(tmpdir(), 'tidemark-model-'));
  const startedAt = performance.now();
  try {
    copyFileSync(join(MODEL, 'Saga.tla'), join(scratch, 'Saga.tla'));
    writeFileSync(join(scratch, 'SagaTable.tla'), tableModule);
    writeFileSync(join(scratch, 'Saga.cfg'), configuration(size));
    const output = await needed('Java 17 or newer', runTlc(jars, scratch));
    return { ...verdictOf(output), durationMs: performance.now() - startedAt, output };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function configuration({ orders, pieces, faults, liveness }: ModelSize): string {
  const names = Array.from({ length: orders }, (_, index) => `o${index + 1}`).join(', ');
  return [
    'SPECIFICATION Spec',
    `CONSTANTS Orders = {${names}}`,
    `Pieces = ${pieces}`,
    `Faults = ${faults}`,
    `INVARIANTS ${INVARIANTS.join(' ')}`,
    ...(liveness ? ['PROPERTY EveryOrderEnds'] : []),
    '',
  ].join('\n');
}

/** TLC says by its exit code that something is wrong, and by its output what. */
function runTlc(jars: string, scratch: string): Promise<string> {
  // TLC unpacks its standard modules into the temporary folder: one of its own for each run.
  const flags = ['-XX:+UseParallelGC', '-Xmx2g', `-Djava.io.tmpdir=${scratch}`, '-cp', `${jars}/*`];
  const args = [...flags, 'tlc2.TLC', '-workers', '2', '-terse', '-nowarning', '-metadir', join(scratch, 'states'), 'Saga'];
  return new Promise((resolve, reject) => {
    execFile('java', args, { cwd: scratch, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if ((error as NodeJS.ErrnoException | null)?.code === 'ENOENT') reject(error);
      else resolve(`${stdout}${stderr}`);
    });
  });
}

function verdictOf(output: string): Pick<ModelResult, 'ok' | 'generated' | 'distinct' | 'error'> {
  // Of the last line that says so: earlier ones are of progress.
  const [generated = 0, distinct = 0] =
    [...output.matchAll(/([\d,]+) states generated[^,]*, ([\d,]+) distinct states found/g)]
      .at(-1)
      ?.slice(1)
      .map((count) => Number(count.replaceAll(',', ''))) ?? [];
  const ok = output.includes('Model checking completed. No error has been found.');
  const broken = /Error: (Invariant \w+ is violated|Temporal properties were violated|Deadlock reached|.*)/.exec(output)?.[1];
  return { ok, generated, distinct, error: ok ? null : (broken ?? 'TLC ended without a verdict') };
}

async function needed<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error(`${what} is needed to check the model and was not found on the PATH.`, { cause: error });
  }
}
