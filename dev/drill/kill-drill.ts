import { setTimeout as delay } from 'node:timers/promises';
import { readStackFile, type StackFile, type StackUrls } from '../stack-file.js';
import { OpenWorkWatch } from './open-work.js';
import type { StackCommands } from './stack-commands.js';

const VICTIMS = ['command-api', 'relay', 'orchestrator', 'postgres', 'projector', 'gateway', 'kafka', 'query-api'];
const RANGE = 'the whole range';
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
 * Sends the days one after the other, each by two replays at once, and kills every process of the running stack in turn (kill -9), each
 * at a moment when new orders are being accepted and work is open: an idle process is easy to lose. Then two replays of the whole range
 * at once, and one more. Those must end with the same totals, equal to `expected` when that is given, and every invariant must hold.
 */
export async function killDrill(commands: StackCommands, days: readonly string[], expected: string | undefined): Promise<boolean> {
  const watch = new OpenWorkWatch(readStackFile().databaseUrl);
  const toKill = [...VICTIMS];
  try {
    let equal = true;
    for (const day of days) {
      if (toKill.length === 0) break;
      // One request at a time each: a day of orders then lasts longer than a kill.
      const pair = Promise.all([commands.replay(1, day), commands.replay(1, day)]);
      await killDuring(pair, toKill, watch, day);
      equal = haveEqualTotals(day, await pair) && equal;
    }
    const pair = Promise.all([commands.replay(8), commands.replay(8)]);
    await killDuring(pair, toKill, watch, RANGE);
    const totals = [...(await pair), await commands.replay(32)];
    if (expected !== undefined) totals.push(expected);
    equal = haveEqualTotals(expected === undefined ? RANGE : `${RANGE}, and those expected,`, totals) && equal;
    if (toKill.length > 0)
      say(`NOT KILLED, as no new orders were under way: ${toKill.join(', ')}. Take more days, which this stack has not seen.`);
    return (await commands.verify()) && equal && toKill.length === 0;
  } finally {
    await watch.close();
  }
}

/** Kills one victim after the other for as long as the replays bring new orders, and takes those killed off the list. */
async function killDuring(replays: Promise<unknown>, toKill: string[], watch: OpenWorkWatch, during: string): Promise<void> {
  let over = false;
  const end = (): void => void (over = true);
  void replays.then(end, end);
  for (let victim = toKill[0]; victim !== undefined; victim = toKill[0]) {
    // query-api has no part in what becomes of an order: any replay that asks it is enough to interrupt.
    const anyReplay = victim === 'query-api' && during === RANGE && !over;
    const work = anyReplay ? await watch.look() : await watch.untilUnderWay(() => over);
    if (work === undefined) return;
    const recoveredMs = await killAndAwait(victim);
    const { orders, outbox, fulfilments } = work;
    say(
      `killed ${victim.padEnd(13)} during ${during}: ${orders} orders accepted in the second before, ${outbox} events not published, ` +
        `${fulfilments} fulfilments open; ${await watch.ordersSince(work.at)} more orders until everything was ready again, after ${recoveredMs} ms`,
    );
    toKill.shift();
  }
}

function haveEqualTotals(what: string, totals: readonly string[]): boolean {
  const distinct = [...new Set(totals)];
  say(`totals of ${what} ${distinct.length === 1 ? `equal, ${totals.length} times` : 'DIFFER'}: ${distinct.join(' ')}`);
  return distinct.length === 1;
}

/** Resolves when the victim has been replaced and every app is ready again; answers milliseconds. */
async function killAndAwait(victim: string): Promise<number> {
  const stack = readStackFile();
  const pid = pidOf(stack, victim);
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
