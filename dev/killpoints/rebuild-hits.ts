import { join } from 'node:path';
import type { FailpointName } from '#failpoints';
import { PROJECTION_NAMES, type ProjectionName } from '#read-models';
import { ManagedProcess, type ProcessExit } from '../managed-process.js';
import { REPOSITORY_ROOT } from '../paths.js';
import { NotReached, type HitContext, type MadeHit } from './injector.js';
import type { Action } from './kill-points.js';

const REBUILD_WITHIN_MS = 60_000;

/**
 * A rebuild under load that dies, fails or stalls at the place; recovered when the next one has put its tables in place and found them
 * equal to the live ones.
 */
export async function rebuildHit(failpoint: FailpointName, context: HitContext): Promise<MadeHit> {
  const { action, random } = context;
  const projection = random.of(PROJECTION_NAMES);
  const stallMs = random.between(100, 2_000);
  const first = await rebuild(context, projection, `${failpoint}=${action === 'stall' ? `stall(${stallMs})` : action}`);
  const endedAt = Date.now();
  if (!isAsWanted(action, first, failpoint))
    throw new NotReached(`the rebuild of ${projection} ended with ${JSON.stringify(first.exit)}: ${first.child.logTail(3)}`);
  if (action === 'stall') return { startedAt: endedAt, healedAt: endedAt, recoveredAt: endedAt, note: `${projection}, ${stallMs} ms` };
  const second = await rebuild(context, projection, undefined);
  if (second.exit.code !== 0) {
    throw new Error(`after a rebuild of ${projection} had ended at ${failpoint}, the next failed too: ${second.child.logTail(8)}`);
  }
  return { startedAt: endedAt, healedAt: endedAt, recoveredAt: Date.now(), note: projection };
}

function isAsWanted(action: Action, { child, exit }: Awaited<ReturnType<typeof rebuild>>, failpoint: FailpointName): boolean {
  switch (action) {
    case 'exit':
      return exit.signal === 'SIGKILL';
    case 'throw':
      // Tables that differ end it with the same code.
      return exit.code === 1 && child.logTail(30).includes(`failpoint ${failpoint}`);
    default:
      return exit.code === 0;
  }
}

async function rebuild(
  { stack, signal }: HitContext,
  projection: ProjectionName,
  failpoints: string | undefined,
): Promise<{ child: ManagedProcess; exit: ProcessExit }> {
  const child = await ManagedProcess.start({
    name: `rebuild ${projection}`,
    command: process.execPath,
    args: [join(REPOSITORY_ROOT, 'dist/apps/projector/rebuild.js'), projection],
    cwd: REPOSITORY_ROOT,
    env: { ...process.env, DATABASE_URL: stack.databaseUrl, NODE_ENV: 'development', FAILPOINTS: failpoints ?? '' },
    logFile: join(stack.logDir, 'rebuild.log'),
    ownGroup: true,
  });
  const kill = (): void => void child.kill('SIGKILL');
  const timer = setTimeout(kill, REBUILD_WITHIN_MS);
  signal.addEventListener('abort', kill);
  try {
    return { child, exit: await child.exited };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
  }
}
