import { endLeftovers, isGone, sendSignal } from './leftovers.js';
import { stateDir } from './paths.js';
import { seconds } from './progress.js';
import { findStackFile, isOurs } from './stack-file.js';

/** The supervisor's own end, with every deadline of its parts used up. */
const PATIENCE_MS = 90_000;

const directory = stateDir();
const began = performance.now();
const running = findStackFile(directory)?.processes.filter(isOurs) ?? [];
const supervisor = running.find(({ name }) => name === 'supervisor');
if (supervisor !== undefined) {
  process.stdout.write('  stopping in order …\n');
  sendSignal(supervisor, 'SIGTERM');
  await isGone(supervisor, PATIENCE_MS);
}
// Without a supervisor (it was killed), or where it did not manage.
await endLeftovers(directory);
const took = seconds(performance.now() - began);
process.stdout.write(running.length === 0 ? '  Nothing is running here.\n' : `  ✓ everything has stopped after ${took}\n`);
