import { batchConsumerSimulator } from './batch-consumer/batch-consumer.simulator.js';
import { fulfilmentSimulator } from './fulfilment/fulfilment.simulator.js';
import { groupCommitSimulator } from './group-commit/group-commit.simulator.js';
import type { Simulator } from './kernel/simulator.js';
import { relaySimulator } from './relay/relay.simulator.js';
import { workflowSimulator } from './workflow/workflow.simulator.js';

/** All there are, by the name they are called with. */
export const SIMULATORS: readonly Simulator[] = [
  workflowSimulator,
  fulfilmentSimulator,
  batchConsumerSimulator,
  relaySimulator,
  groupCommitSimulator,
];

export function simulatorNamed(name: string): Simulator {
  const simulator = SIMULATORS.find((candidate) => candidate.name === name);
  if (simulator === undefined)
    throw new Error(`There is no simulator "${name}": there are ${SIMULATORS.map((each) => each.name).join(', ')}.`);
  return simulator;
}
