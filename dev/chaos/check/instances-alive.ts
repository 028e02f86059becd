import type { FaultRecord } from '../history/fault-record.js';
import type { FaultWindows } from './fault-windows.js';
import { firstAt } from './in-order.js';

/** What clients have of one instance; in order. */
export interface InstanceStory {
  readonly askedAt: readonly number[];
  /** Answered 2xx. */
  readonly succeededAt: readonly number[];
}

/** So many requests at least, before an instance that answers none of them well is called dead. */
const ASKED_IN_VAIN = 5;

export interface InstancesAlive {
  judged: number;
  /** The next fault of that instance came first, or nobody asked. */
  unjudged: number;
  readonly dead: { readonly name: string; readonly fault: FaultRecord; readonly forMs: number }[];
}

/**
 * Whether each instance that was hit worked again: it itself, not another one of its kind. Counted is the time without any fault in which
 * it was asked in vain, up to its first success or the next fault of its own process; whoever stopped asking it says nothing about it.
 *
 * @param origins by the name of the instance; those of which clients ask something
 */
export function instancesAlive(
  faults: readonly FaultRecord[],
  windows: FaultWindows,
  origins: Readonly<Record<string, string>>,
  stories: ReadonlyMap<string, InstanceStory>,
  boundMs: number,
): InstancesAlive {
  const alive: InstancesAlive = { judged: 0, unjudged: 0, dead: [] };
  for (const [name, origin] of Object.entries(origins)) {
    const { askedAt, succeededAt } = stories.get(origin) ?? { askedAt: [], succeededAt: [] };
    const ownFaults = faults.filter(({ target }) => isProcessOf(name, target)).map(({ startedAt }) => startedAt);
    for (const fault of faults) {
      if (!isHitBy(name, fault.target)) continue;
      const { healedAt } = fault;
      const next = Math.min(Infinity, ...ownFaults.filter((startedAt) => startedAt > healedAt));
      const success = succeededAt[firstAt(succeededAt, healedAt)] ?? Infinity;
      const first = firstAt(askedAt, healedAt);
      const last = firstAt(askedAt, Math.min(success, next)) - 1;
      const inVainMs = last < first ? 0 : windows.quietBetween(askedAt[first]!, askedAt[last]!);
      if (inVainMs > boundMs && last - first + 1 >= ASKED_IN_VAIN) alive.dead.push({ name, fault, forMs: inVainMs });
      else if (success < next) alive.judged += 1;
      else alive.unjudged += 1;
    }
  }
  alive.judged += alive.dead.length;
  return alive;
}

/** The process itself, or both of its app. */
const isProcessOf = (name: string, target: string): boolean => target === name || target === appOf(name);

/** That, or its way to the database, or the database. */
function isHitBy(name: string, target: string): boolean {
  if (isProcessOf(name, target) || target === 'postgres') return true;
  const [store, doors = ''] = target.split('-');
  return store === 'postgres' && doors.split('+').includes(name.slice(-1));
}

const appOf = (name: string): string => name.replace(/-\d+$/, '');
