import type { Mutant } from './mutant.js';
import { API_MUTANTS } from './mutants/api.mutants.js';
import { APPEND_MUTANTS } from './mutants/append.mutants.js';
import { CONSUMER_MUTANTS } from './mutants/consumer.mutants.js';
import { GROUP_COMMIT_MUTANTS } from './mutants/group-commit.mutants.js';
import { OPERATOR_MUTANTS } from './mutants/operators.mutants.js';
import { ORCHESTRATOR_MUTANTS } from './mutants/orchestrator.mutants.js';
import { PROCESS_MUTANTS } from './mutants/process.mutants.js';
import { PROJECTION_MUTANTS } from './mutants/projection.mutants.js';
import { PUBLISHING_MUTANTS } from './mutants/publishing.mutants.js';
import { RELAY_MUTANTS } from './mutants/relay.mutants.js';
import { SAGA_MUTANTS } from './mutants/saga.mutants.js';

/** All of them, in the order in which an event meets what they break. */
export const MUTANTS: readonly Mutant[] = [
  ...PROCESS_MUTANTS,
  ...API_MUTANTS,
  ...APPEND_MUTANTS,
  ...GROUP_COMMIT_MUTANTS,
  ...RELAY_MUTANTS,
  ...PUBLISHING_MUTANTS,
  ...CONSUMER_MUTANTS,
  ...PROJECTION_MUTANTS,
  ...SAGA_MUTANTS,
  ...ORCHESTRATOR_MUTANTS,
  ...OPERATOR_MUTANTS,
];
