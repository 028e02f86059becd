import 'reflect-metadata';
import { performance } from 'node:perf_hooks';
import { simulateArguments, type SimulateArguments } from './arguments.js';
import type { Simulator } from './kernel/simulator.js';
import { runSpread, type Tally } from './seed-run.js';
import { simulatorNamed, SIMULATORS } from './simulators.js';

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

async function runMany({ name }: Simulator, { seeds, seed, workers }: SimulateArguments): Promise<boolean> {
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
  return tally.failures.length === 0;
}

const options = simulateArguments(process.argv.slice(2));
const chosen = options.only === undefined ? SIMULATORS : [simulatorNamed(options.only)];
let holds = true;
for (const simulator of chosen) {
  const well = options.trace ? await replay(simulator, options.seed) : await runMany(simulator, options);
  holds &&= well;
}
process.exitCode = holds ? 0 : 1;
