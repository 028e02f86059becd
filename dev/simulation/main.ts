import 'reflect-metadata';
import { performance } from 'node:perf_hooks';
import { simulateArguments, type SimulateArguments } from './arguments.js';
import type { Simulator } from './kernel/simulator.js';
import { addTo, emptyTally, runSpread, type Tally } from './seed-run.js';
import { seedsOfEach, simulatorNamed } from './simulators.js';

const PROGRESS_EVERY_MS = 5_000;
const MOST_FAILURES = 5;

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const thousands = (count: number): string => Math.round(count).toLocaleString('en');

/** One seed, told step by step. */
async function replay(simulator: Simulator, seed: number): Promise<boolean> {
  const { trace, hash, steps, violations } = await simulator.simulate(seed, true);
  trace.forEach(say);
  say(`${simulator.name} seed ${seed}: ${steps} steps, trace ${hash}`);
  violations.forEach((violation) => say(`VIOLATION ${violation}`));
  return violations.length === 0;
}

async function runMany({ name, about }: Simulator, seeds: number, { seed, workers }: SimulateArguments): Promise<Tally> {
  say(`${name}: ${about}`);
  const startedAt = performance.now();
  const perSecond = (tally: Tally): string => thousands(tally.seeds / ((performance.now() - startedAt) / 1_000));
  let told = startedAt;
  const onProgress = (tally: Tally): void => {
    if (performance.now() - told < PROGRESS_EVERY_MS) return;
    told = performance.now();
    say(`${name}: ${thousands(tally.seeds)} of ${thousands(seeds)} seeds, ${perSecond(tally)} seeds/s, ${tally.failures.length} failed`);
  };
  const tally = await runSpread({ simulator: name, from: seed, count: seeds, workers, mostFailures: MOST_FAILURES, onProgress });
  const seconds = (performance.now() - startedAt) / 1_000;
  const verdict = tally.failures.length === 0 ? 'all invariants hold' : `${tally.failures.length} FAILED`;
  say(
    `${name}: ${thousands(tally.seeds)} seeds (${seed} to ${seed + tally.seeds - 1}) in ${seconds.toFixed(1)} s, ${perSecond(tally)} seeds/s, ` +
      `${thousands(tally.steps)} steps: ${verdict}`,
  );
  const faults = Object.entries(tally.faults).sort(([a], [b]) => (a < b ? -1 : 1));
  say(`  faults injected: ${faults.map(([fault, count]) => `${fault} ${thousands(count)}`).join(', ') || 'none'}`);
  for (const failure of tally.failures) {
    say(`  seed ${failure.seed} (trace ${failure.hash}):`);
    failure.violations.forEach((violation) => say(`    ${violation}`));
    say(`    replay: npm run simulate -- --only ${name} --seeds 1 --seed ${failure.seed} --trace`);
  }
  return tally;
}

async function runAll(options: SimulateArguments): Promise<boolean> {
  const startedAt = performance.now();
  const { seeds, only } = options;
  const total = emptyTally();
  const each = only === undefined ? seedsOfEach(seeds) : [[simulatorNamed(only), seeds] as const];
  for (const [simulator, count] of each) addTo(total, await runMany(simulator, count, options));
  const seconds = (performance.now() - startedAt) / 1_000;
  const rate = thousands(total.seeds / seconds);
  if (each.length > 1)
    say(`all: ${thousands(total.seeds)} seeds in ${seconds.toFixed(1)} s, ${rate} seeds/s, ${total.failures.length} failed`);
  return total.failures.length === 0;
}

const options = simulateArguments(process.argv.slice(2));
if (options.trace && options.only === undefined) throw new Error('--trace tells one seed of one simulator: name it with --only.');
const holds = options.trace ? await replay(simulatorNamed(options.only as string), options.seed) : await runAll(options);
process.exitCode = holds ? 0 : 1;
