import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { REPOSITORY_ROOT } from '../paths.js';
import { readStackFile, type StackFile, type StackUrls } from '../stack-file.js';

/**
 * Kills every process of the running stack in turn (kill -9) while two replays of the same file run at once, then replays once more:
 * all must end with the same totals, and `verify` must be green. Exit code 0 only then.
 */
const USAGE = 'Usage: npm run drill -- --file FILE [--from DAY] [--to DAY] [--expected JSON]';
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
const TOTALS = ['orders', 'lines', 'skus', 'customers', 'guestOrders', 'units', 'revenuePence'] as const;

const { values } = parseArgs({
  options: { file: { type: 'string' }, from: { type: 'string' }, to: { type: 'string' }, expected: { type: 'string' } },
});
if (values.file === undefined) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
}
const range = [...(values.from === undefined ? [] : ['--from', values.from]), ...(values.to === undefined ? [] : ['--to', values.to])];
const replayOptions = ['--file', values.file, ...range, '--all-paid'];
const scratch = mkdtempSync(join(tmpdir(), 'tidemark-drill-'));
try {
  process.exitCode = (await drill(readStackFile())) ? 0 : 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

async function drill(stack: StackFile): Promise<boolean> {
  let running = 0;
  let pairs = 0;
  const toKill = [...VICTIMS];
  const totals: string[] = [];
  const replayers = (async () => {
    // One pair after the other until everything has been killed once; a pair that is at it is waited for.
    while (toKill.length > 0 || pairs === 0) {
      pairs += 1;
      running = 2;
      const pair = pairs;
      totals.push(...(await Promise.all([1, 2].map((each) => replay(`${pair}-${each}`, 2).finally(() => (running -= 1))))));
    }
  })();
  const killer = (async () => {
    for (let victim = toKill[0]; victim !== undefined; victim = toKill[0]) {
      await delay(1_000);
      const during = running;
      const recoveredMs = await killAndAwait(stack, victim);
      say(`killed ${victim.padEnd(13)} during ${during} replays; everything ready again after ${recoveredMs} ms`);
      toKill.shift();
    }
  })();
  await Promise.all([replayers, killer]);
  say(`${pairs} pairs of replays have ended; replaying once more`);
  totals.push(await replay('last', 32));

  const distinct = [...new Set(totals)];
  const expected = values.expected === undefined ? undefined : totalsOf(JSON.parse(readFileSync(values.expected, 'utf8')) as object);
  distinct.forEach((each) => say(`totals ${each}`));
  const equal = distinct.length === 1 && (expected === undefined || expected === distinct[0]);
  say(
    equal
      ? `${totals.length} replays, the same totals${expected === undefined ? '' : ', equal to those expected'}`
      : `TOTALS DIFFER; expected ${expected}`,
  );
  return (await run('dev/verify/main.js', [], 'inherit')) === 0 && equal;
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

/** Totals of one replay, as comparable text. */
async function replay(name: string, concurrency: number): Promise<string> {
  const report = join(scratch, `${name}.json`);
  const code = await run('dev/replay/main.js', [...replayOptions, '--concurrency', String(concurrency), '--report', report], 'ignore');
  if (code !== 0) throw new Error(`replay ${name} ended with exit code ${code}`);
  return totalsOf((JSON.parse(readFileSync(report, 'utf8')) as { totals: object }).totals);
}

function totalsOf(source: object): string {
  return JSON.stringify(Object.fromEntries(TOTALS.map((name) => [name, (source as Record<string, unknown>)[name]])));
}

function run(script: string, args: readonly string[], stdout: 'inherit' | 'ignore'): Promise<number | null> {
  const child = spawn(process.execPath, [join(REPOSITORY_ROOT, 'dist', script), ...args], { stdio: ['ignore', stdout, stdout] });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', resolve);
  });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
