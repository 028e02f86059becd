import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MUTATIONS } from './mutations.js';
import { sagaTableModule } from './saga-table-module.js';
import { checkModel, MODEL, type ModelResult, type ModelSize } from './tlc.js';

const TABLE = join(MODEL, 'SagaTable.tla');

/** What is looked at when nothing else is asked for: many faults for one order, orders that compete for one piece, and whether all end. */
const DEFAULT: readonly ModelSize[] = [
  { orders: 1, pieces: 1, faults: 4, liveness: false },
  { orders: 2, pieces: 1, faults: 1, liveness: false },
  { orders: 1, pieces: 1, faults: 2, liveness: true },
];

const USAGE = 'npm run model [-- --faults N] [--orders N] [--pieces N] [--liveness] | --mutations | --write';

/** 0 when the model holds (or, with --mutations, when it finds every mistake). */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      faults: { type: 'string' },
      orders: { type: 'string' },
      pieces: { type: 'string' },
      liveness: { type: 'boolean' },
      mutations: { type: 'boolean' },
      write: { type: 'boolean' },
    },
  });
  if (values.write) writeFileSync(TABLE, sagaTableModule());
  if (readFileSync(TABLE, 'utf8') !== sagaTableModule()) {
    throw new Error('dev/model/SagaTable.tla is not made of the saga’s table any more: npm run model -- --write');
  }
  if (values.mutations) return await checkMutations();
  const { faults, orders, pieces, liveness } = values;
  const isOwn = [faults, orders, pieces, liveness].some((value) => value !== undefined);
  const sizes = isOwn
    ? [{ orders: count(orders, 1), pieces: count(pieces, 1), faults: count(faults, 2), liveness: liveness ?? false }]
    : DEFAULT;
  return await checkSizes(sizes);
}

async function checkSizes(sizes: readonly ModelSize[]): Promise<number> {
  let states = 0;
  for (const size of sizes) {
    const result = await checkModel(size);
    say(`${describe(size)}: ${figures(result)}`);
    if (!result.ok) {
      say(result.output);
      say(`error: ${result.error}`);
      return 1;
    }
    states += result.generated;
  }
  say(`${states} states explored, no error`);
  return 0;
}

async function checkMutations(): Promise<number> {
  let survivors = 0;
  for (const { name, rules, liveness = false } of MUTATIONS) {
    const result = await checkModel({ orders: 1, pieces: 1, faults: liveness ? 1 : 2, liveness }, sagaTableModule(rules));
    if (result.ok) survivors += 1;
    say(`${result.ok ? 'SURVIVED' : 'found   '}  ${name}: ${result.error ?? 'nothing was found'} (${figures(result)})`);
  }
  say(`${MUTATIONS.length - survivors} of ${MUTATIONS.length} mistakes found`);
  return survivors === 0 ? 0 : 1;
}

const describe = ({ orders, pieces, faults, liveness }: ModelSize): string =>
  `${orders} ${orders === 1 ? 'order' : 'orders'}, ${pieces} in stock, ${faults} faults${liveness ? ', and that every order ends' : ''}`;

const figures = ({ generated, distinct, durationMs }: ModelResult): string =>
  `${generated} states explored, ${distinct} distinct, ${(durationMs / 1000).toFixed(1)} s`;

function count(given: string | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  const number = Number(given);
  if (!Number.isInteger(number) || number < 0) throw new Error(`"${given}" is no count; ${USAGE}`);
  return number;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  return 2;
});
