import 'reflect-metadata';
import { runMain } from '#platform';
import { isProjectionName, PROJECTION_NAMES, type ProjectionName } from '#read-models';
import { runRebuild } from './rebuild-command.js';
import { databaseToRebuild } from './rebuild.config.js';

const USAGE = `Usage: npm run rebuild -- <projection>|all [--accept]

Builds a projection from the event store beside the live tables, compares the two row by row, and swaps them.
Queries go on meanwhile. When the two differ nothing is swapped, unless --accept says to take the rebuilt tables.

Projections: ${PROJECTION_NAMES.join(', ')}
The running stack is found by itself; DATABASE_URL names another database.
`;

/** Exit codes: 0 equal or accepted, 1 different or failed, 2 called wrongly. */
runMain(async () => {
  const [target, ...options] = process.argv.slice(2).toSorted((a, b) => Number(a.startsWith('--')) - Number(b.startsWith('--')));
  const names = namesOf(target);
  if (names === undefined || options.some((option) => option !== '--accept')) {
    process.stderr.write(USAGE);
    process.exit(2);
  }
  const fine = await runRebuild(names, {
    databaseUrl: databaseToRebuild(),
    accept: options.includes('--accept'),
    out: process.stdout,
    err: process.stderr,
  });
  process.exitCode = fine ? 0 : 1;
});

function namesOf(target = ''): readonly ProjectionName[] | undefined {
  if (target === 'all') return PROJECTION_NAMES;
  return isProjectionName(target) ? [target] : undefined;
}
