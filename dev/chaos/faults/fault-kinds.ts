import { clientFaults } from './client.faults.js';
import { clockFaults } from './clock.faults.js';
import { connectionFaults } from './connection.faults.js';
import { failpointFaults } from './failpoint.faults.js';
import type { FaultKind } from './fault.js';
import { kafkaFaults } from './kafka.faults.js';
import { livePoison } from './live-poison.fault.js';
import { messageFaults } from './message.faults.js';
import { postgresFaults } from './postgres.faults.js';
import { processFaults } from './process.faults.js';
import { readModelFaults } from './read-model.faults.js';
import { repeatFaults } from './repeat.faults.js';

/** Everything that can go wrong on purpose. A full disk is proven by test/edges/full-disk.e2e.spec.ts: it needs a file system of its own. */
export const FAULT_KINDS: readonly FaultKind[] = [
  ...processFaults,
  ...postgresFaults,
  ...kafkaFaults,
  ...connectionFaults,
  ...failpointFaults,
  ...messageFaults,
  ...repeatFaults,
  livePoison,
  ...readModelFaults,
  ...clockFaults,
  ...clientFaults,
];
