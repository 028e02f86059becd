import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { NotReached, runningProcess, until, type HitContext, type MadeHit } from './injector.js';
import type { KillPoint, Loss } from './kill-points.js';

type BySignal = Extract<KillPoint['by'], { kind: 'signal' }>;

const READY_WITHIN_MS = 30_000;
/** A relay opens its next session at once; a consumer waits until all others of its group have joined again. */
const NOTICED_WITHIN_MS = 30_000;

/**
 * Stands still for so long that its lock or its session is given to another; then goes on and does not know that time has passed.
 * Throws NotReached when it has nothing to lose, and when its log does not say that it lost it and came back with a new one.
 */
export async function stopHit({ standsStillMs: [least, most], loses }: BySignal, context: HitContext): Promise<MadeHit> {
  const { stack, instance, random, signal } = context;
  const child = await runningProcess(stack, instance!.name, signal);
  await until(`${child.name} was not ready`, READY_WITHIN_MS, signal, async () =>
    (await stack.isReady(instance!).catch(() => false)) ? true : undefined,
  );
  // Somewhere in its work, not always right after it has begun it.
  await delay(random.between(0, 400), undefined, { signal }).catch(() => undefined);
  const startedAt = Date.now();
  child.kill('SIGSTOP');
  let logged = 0;
  try {
    await delay(random.between(least, most), undefined, { signal }).catch(() => undefined);
    logged = statSync(child.logFile).size;
  } finally {
    child.kill('SIGCONT');
  }
  const healedAt = Date.now();
  const what = `${child.name} stood still for ${healedAt - startedAt} ms and did not say that it lost its ${loses}`;
  const note = await until(what, NOTICED_WITHIN_MS, signal, async () => {
    if (!child.running) throw new NotReached(`${child.name} ended by itself after it had stood still: ${JSON.stringify(child.exit)}`);
    const loss = lossIn(eventsIn(child.logFile, logged, child.pid), loses);
    if (loss === 'kept') throw new NotReached(what);
    return loss;
  });
  return { startedAt, healedAt, note };
}

/**
 * What a process logged after it went on, if that proves the loss; `kept` when it proves that there was none; undefined when it says
 * nothing yet.
 * - A relay's session is lost when it says so, or a round fails on it; only without one it opens another, with locks of its own.
 * - A consumer that its group has thrown out joins without a word before; one that still belongs is told that the group rebalances.
 */
export function lossIn(events: readonly string[], loses: Loss): string | undefined {
  if (loses === 'lock') {
    const lost = events.findIndex((event) => event === 'relay.session.lost' || event === 'relay.round.failed');
    return lost >= 0 && events.indexOf('relay.session.opened', lost) >= 0 ? `${events[lost]}, relay.session.opened` : undefined;
  }
  const first = events.find((event) => event === 'kafka.consumer.joined' || event === 'kafka.consumer.rebalancing');
  return first === 'kafka.consumer.rebalancing' ? 'kept' : first;
}

/** Names of the events of a process, from this byte of its log on. */
function eventsIn(file: string, from: number, pid: number): string[] {
  const log = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(log).size - from));
    const text = bytes.toString('utf8', 0, readSync(log, bytes, 0, bytes.length, from));
    return text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .flatMap((line) => {
        const entry = entryOf(line);
        return entry?.pid === pid && entry.event !== undefined ? [entry.event] : [];
      });
  } finally {
    closeSync(log);
  }
}

function entryOf(line: string): { readonly pid?: number; readonly event?: string } | undefined {
  try {
    return JSON.parse(line) as { pid?: number; event?: string };
  } catch {
    // What Node itself writes there is no JSON.
    return undefined;
  }
}
