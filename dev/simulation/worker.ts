import 'reflect-metadata';
import { parentPort } from 'node:worker_threads';
import { runRange, type SeedRange } from './seed-run.js';
import { simulatorNamed } from './simulators.js';

parentPort?.on('message', ({ simulator, from, count }: SeedRange) => {
  void runRange(simulatorNamed(simulator), from, count).then((tally) => parentPort?.postMessage(tally));
});
