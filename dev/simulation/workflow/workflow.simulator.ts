import { SeededRandom } from '../kernel/seeded-random.js';
import type { SeedResult, Simulator } from '../kernel/simulator.js';
import { Trace } from '../kernel/trace.js';
import { decideForReal, WorkflowWorld, type Decide } from './workflow-world.js';

/** Steps of the quiet phase within which every order must end. */
const SETTLE_WITHIN = 5_000;

/** Needs no kernel: nothing here waits, so a step is a call, and a seed takes a fraction of a millisecond. */
export function workflowSimulatorOf(decide: Decide): Simulator {
  const simulate = (seed: number, tracing = false): SeedResult => {
    const random = new SeededRandom(seed);
    const trace = new Trace(tracing);
    let steps = 0;
    const world = new WorkflowWorld(random, (what) => trace.add(steps, '-', what), decide);
    const violations: string[] = [];
    try {
      for (const end = 40 + random.below(120); steps < end; steps += 1) world.step(true);
      trace.add(steps, '-', 'HEALED');
      for (const end = steps + SETTLE_WITHIN; steps < end && !world.settled; steps += 1) world.step(false);
      if (world.settled) violations.push(...world.violations());
      else violations.push(`not settled: ${world.describe()}`);
    } catch (error) {
      violations.push(`an input was refused: ${String(error)}`);
    }
    return { seed, violations, hash: trace.hash, steps, faults: {}, trace: trace.lines };
  };
  return {
    name: 'workflow',
    about: 'the saga’s decisions over an ideal store: every order of crash, repeat, late and lost answer',
    simulate: (seed, tracing) => Promise.resolve(simulate(seed, tracing)),
  };
}

export const workflowSimulator = workflowSimulatorOf(decideForReal);
