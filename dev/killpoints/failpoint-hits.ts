import { setTimeout as delay } from 'node:timers/promises';
import type { FailpointState } from '#failpoints';
import type { Random } from '../chaos/load/random.js';
import type { StackWatch } from '../chaos/stack/stack-watch.js';
import { NotReached, runningProcess, stallOf, until, type HitContext, type MadeHit } from './injector.js';
import type { Action, KillPoint } from './kill-points.js';

type ByFailpoint = Extract<KillPoint['by'], { kind: 'failpoint' }>;

const ARMED_WITHIN_MS = 20_000;
/** For the nth hit; then for the first, in case so many never come. */
const NTH_WITHIN_MS = 12_000;
const FIRST_WITHIN_MS = 20_000;
/**
 * Every ring makes the saga ask the gateway once more: few, and not all the time. Out of step with the orchestrator's own look at its timers,
 * once a second: in step with it, actions that are done soon could be done each time before it looked.
 */
const RING_EVERY_MS = 370;
const RING_AT_ONCE = 3;

/** Arms the place in a running process, and waits until it has fired. */
export async function failpointHit(by: ByFailpoint, context: HitContext, watch: StackWatch): Promise<MadeHit> {
  const { random, action } = context;
  const stallMs = by.stallMs ?? stallOf(random);
  const nth = random.between(1, by.maxNth);
  try {
    return await armed(by, context, watch, specOf(by, action, { nth, stallMs, random }), action === 'stall' ? stallMs : 0, NTH_WITHIN_MS);
  } catch (error) {
    if (!(error instanceof NotReached)) throw error;
    return await armed(
      by,
      context,
      watch,
      specOf(by, action, { nth: 1, stallMs, random }),
      action === 'stall' ? stallMs : 0,
      FIRST_WITHIN_MS,
    );
  }
}

function specOf(
  { failpoint }: ByFailpoint,
  action: Action,
  { nth, stallMs, random }: { nth: number; stallMs: number; random: Random },
): string {
  // Errors come in rows: enough of them in one open the circuit.
  const times = failpoint === 'gateway.error' ? random.between(1, 15) : 1;
  return `${failpoint}=${action === 'stall' ? `stall(${stallMs})` : action}@${nth}x${times}`;
}

async function armed(
  { failpoint }: ByFailpoint,
  { stack, instance, action, signal }: HitContext,
  watch: StackWatch,
  spec: string,
  stallMs: number,
  withinMs: number,
): Promise<MadeHit> {
  const url = instance === undefined ? stack.urlOf('gateway') : stack.urlOf(instance.app, instance.replica);
  const child = await runningProcess(stack, instance?.name ?? 'gateway', signal);
  const before = await until(`${url} did not arm ${spec}`, ARMED_WITHIN_MS, signal, () =>
    control(url, 'PUT', { spec }).then(
      (states) => stateOf(states, failpoint).fired,
      // busy with coming up
      () => undefined,
    ),
  );
  let rungAt = 0;
  const fired = async (): Promise<boolean> => {
    if (!child.running) return true;
    if (failpoint === 'orchestrator.timer' && Date.now() - rungAt >= RING_EVERY_MS) {
      rungAt = Date.now();
      await ringTimers(watch);
    }
    return action !== 'exit' && stateOf(await control(url, 'GET').catch(() => []), failpoint).fired > before;
  };
  try {
    const startedAt = await until(`${failpoint} was not reached`, withinMs, signal, async () => ((await fired()) ? Date.now() : undefined));
    if (action === 'exit' && child.exit?.signal !== 'SIGKILL')
      throw new Error(`${child.name} ended by itself: ${JSON.stringify(child.exit)}`);
    if (action !== 'exit' && !child.running) throw new Error(`${child.name} ended when it was to ${action}: ${JSON.stringify(child.exit)}`);
    // A gateway that is slow for long is over for us when we have stopped waiting for it.
    await delay(Math.min(stallMs, 8_000), undefined, { signal }).catch(() => undefined);
    return { startedAt, healedAt: Date.now(), note: spec };
  } finally {
    if (child.running) await control(url, 'DELETE').catch(() => undefined);
  }
}

/** Timers of actions that are still under way ring as well: each of these fires twice. */
async function ringTimers(watch: StackWatch): Promise<void> {
  await watch.rows(
    `UPDATE tidemark.fulfilment_work SET due_at = clock_timestamp()
     WHERE order_id IN (SELECT order_id FROM tidemark.fulfilment_work WHERE due_at > clock_timestamp() LIMIT $1 FOR UPDATE SKIP LOCKED)`,
    [RING_AT_ONCE],
  );
}

async function control(url: string, method: 'GET' | 'PUT' | 'DELETE', body?: object): Promise<readonly FailpointState[]> {
  const response = await fetch(`${url}/failpoints`, {
    method,
    ...(body !== undefined && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(5_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}/failpoints answered ${response.status} ${text}`);
  return text === '' ? [] : (JSON.parse(text) as { failpoints: FailpointState[] }).failpoints;
}

const stateOf = (states: readonly FailpointState[], name: string): Pick<FailpointState, 'fired'> =>
  states.find((state) => state.name === name) ?? { fired: 0 };
