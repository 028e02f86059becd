import { batchConsumerSimulator } from './batch-consumer/batch-consumer.simulator.js';
import { fulfilmentSimulator } from './fulfilment/fulfilment.simulator.js';
import { groupCommitSimulator } from './group-commit/group-commit.simulator.js';
import type { Simulator } from './kernel/simulator.js';
import { relaySimulator } from './relay/relay.simulator.js';
import { workflowSimulator } from './workflow/workflow.simulator.js';

/** All there are, each with its share of the seeds of a run over all: roughly so that they take the same time. */
const SHARES: readonly (readonly [Simulator, share: number])[] = [
  [workflowSimulator, 40],
  [fulfilmentSimulator, 1],
  [batchConsumerSimulator, 1],
  [relaySimulator, 1],
  [groupCommitSimulator, 3],
];

export function simulatorNamed(name: string): Simulator {
  const found = SHARES.find(([{ name: candidate }]) => candidate === name);
  if (found === undefined) throw new Error(`There is no simulator "${name}": there are ${SHARES.map(([each]) => each.name).join(', ')}.`);
  return found[0];
}

/** How many of so many seeds each simulator gets; at least one. */
export function seedsOfEach(seeds: number): (readonly [Simulator, number])[] {
  const whole = SHARES.reduce((sum, [, share]) => sum + share, 0);
  return SHARES.map(([simulator, share]) => [simulator, Math.max(1, Math.round((seeds * share) / whole))]);
}
