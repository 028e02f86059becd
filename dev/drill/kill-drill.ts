import { setTimeout as delay } from 'node:timers/promises';
import { readStackFile, type StackFile, type StackUrls } from '../stack-file.js';
import type { StackCommands } from './stack-commands.js';

const VICTIMS = ['command-api', 'relay', 'orchestrator', 'projector', 'query-api', 'gateway', 'postgres', 'kafka'];
const RECOVERY_DEADLINE_MS = 60_000;
const READY_PATHS: Record<keyof StackUrls, string> = {
  commandApi: '/health/ready',
  queryApi: '/health/ready',
  relay: '/health/ready',
  orchestrator: '/health/ready',
  projector: '/health/ready',
  gateway: '/book',
};

/**
 * Kills every process of the running stack in turn (kill -9) while two replays of the same file run at once, then replays once more.
 * All must end with the same totals, equal to `expected` when that is given, and every invariant must hold.
 */
export async function killDrill(commands: StackCommands, expected: string | undefined): Promise<boolean> {
  const stack = readStackFile();
  const toKill = [...VICTIMS];
  const totals: string[] = [];
  let running = 0;
  let pairs = 0;
  const replaying = async (): Promise<void> => {
    // One pair after the other until everything has been killed once; a pair that is at it is waited for.
    while (toKill.length > 0 || pairs === 0) {
      pairs += 1;
      running = 2;
      const pair = [1, 2].map(() => commands.replay(2).finally(() => (running -= 1)));
      totals.push(...(await Promise.all(pair)));
    }
  };
  const killing = async (): Promise<void> => {
    for (let victim = toKill[0]; victim !== undefined; victim = toKill[0]) {
      await delay(1_000);
      const during = running;
      const recoveredMs = await killAndAwait(stack, victim);
      say(`killed ${victim.padEnd(13)} during ${during} replays; everything ready again after ${recoveredMs} ms`);
      toKill.shift();
    }
  };
  await Promise.all([replaying(), killing()]);
  say(`${totals.length} replays have ended; replaying once more`);
  totals.push(await commands.replay(32));

  const distinct = [...new Set(totals)];
  distinct.forEach((each) => say(`totals   ${each}`));
  const equal = distinct.length === 1 && (expected === undefined || expected === distinct[0]);
  if (!equal) say(`TOTALS DIFFER${expected === undefined ? '' : `; expected ${expected}`}`);
  else say(`${totals.length} replays, the same totals${expected === undefined ? '' : ', equal to those expected'}`);
  return (await commands.verify()) && equal;
}

/** Resolves when the victim has been replaced and every app is ready again; answers milliseconds. */
async function killAndAwait(stack: StackFile, victim: string): Promise<number> {
  const pid = pidOf(readStackFile(), victim);
  const startedAt = performance.now();
  process.kill(pid, 'SIGKILL');
  while (performance.now() - startedAt < RECOVERY_DEADLINE_MS) {
    await delay(50);
    if (pidOf(readStackFile(), victim) !== pid && (await isReady(stack.urls))) return Math.round(performance.now() - startedAt);
  }
  throw new Error(`${victim} was killed and the stack is not ready again after ${RECOVERY_DEADLINE_MS} ms: see .tidemark/logs`);
}

function pidOf(stack: StackFile, name: string): number {
  const found = stack.processes.find((each) => each.name === name);
  if (found === undefined) throw new Error(`the running stack has no process of its own called ${name}`);
  return found.pid;
}

async function isReady(urls: StackUrls): Promise<boolean> {
  const answers = await Promise.all(
    Object.entries(READY_PATHS).map(([name, path]) =>
      fetch(`${urls[name as keyof StackUrls]}${path}`, { signal: AbortSignal.timeout(2_000) }).then(
        async (response) => {
          await response.body?.cancel();
          return response.ok;
        },
        () => false,
      ),
    ),
  );
  return answers.every(Boolean);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
