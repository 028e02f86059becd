import type { FailpointName } from '#failpoints';
import type { Stage } from '../chaos/stack/recovery.js';

/** Whose process is hit. One hit at a time in each of its processes. */
export type Victim = 'command-api' | 'relay' | 'orchestrator' | 'projector' | 'gateway' | 'rebuild';

/**
 * - `exit`: the process is gone at once, as by kill -9
 * - `throw`: as if a neighbour's connection broke there
 * - `stall`: nothing happens there for a while, sometimes longer than any lock or session lives
 * - `stop`: the whole process stands still past its lock or session, then goes on as if nothing had been (SIGSTOP, SIGCONT)
 * - `cut`: the database session is ended there
 */
export type Action = 'exit' | 'throw' | 'stall' | 'stop' | 'cut';

export interface KillPoint {
  readonly name: string;
  readonly victim: Victim;
  readonly actions: readonly Action[];
  readonly stages: readonly Stage[];
  readonly by:
    | { readonly kind: 'failpoint'; readonly failpoint: FailpointName; readonly maxNth: number; readonly stallMs?: number }
    | { readonly kind: 'append-gate'; readonly place: GatePlace }
    | { readonly kind: 'signal'; readonly standsStillMs: readonly [least: number, most: number]; readonly loses: Loss }
    | { readonly kind: 'rebuild'; readonly failpoint: FailpointName };
}

/** What a process that stands still has lost when it goes on: see lossIn. */
export type Loss = 'lock' | 'session';

/** Places inside the one function that appends, which no code of an app can reach. */
export type GatePlace = 'between-events-and-outbox' | 'before-commit';

const ALL: readonly Action[] = ['exit', 'throw', 'stall'];

/** A name of a failpoint is `<victim>.<place>`. `maxNth`: the hit is drawn from 1 to this; few where the place is seldom reached. */
const failpoint = (
  failpoint: FailpointName,
  stage: Stage,
  { actions = ALL, maxNth = 12, stallMs }: { actions?: readonly Action[]; maxNth?: number; stallMs?: number } = {},
): KillPoint => ({
  name: failpoint,
  victim: failpoint.slice(0, failpoint.indexOf('.')) as Victim,
  actions,
  stages: failpoint.startsWith('gateway.') ? ['gateway', stage] : [stage],
  by: { kind: 'failpoint', failpoint, maxNth, ...(stallMs !== undefined && { stallMs }) },
});

const gate = (place: GatePlace): KillPoint => ({
  name: `command-api.${place}`,
  victim: 'command-api',
  actions: ['exit', 'stall', 'cut'],
  stages: ['commands'],
  by: { kind: 'append-gate', place },
});

const rebuild = (failpoint: FailpointName): KillPoint => ({
  name: failpoint,
  victim: 'rebuild',
  actions: ALL,
  stages: [],
  by: { kind: 'rebuild', failpoint },
});

export const KILL_POINTS: readonly KillPoint[] = [
  failpoint('command-api.before-append', 'commands'),
  gate('between-events-and-outbox'),
  gate('before-commit'),
  failpoint('command-api.append-sent', 'commands'),
  failpoint('command-api.committed', 'commands'),
  failpoint('command-api.before-response', 'commands'),

  failpoint('relay.read', 'publishing'),
  failpoint('relay.sent', 'publishing'),
  failpoint('relay.acknowledged', 'publishing'),
  failpoint('relay.half-acknowledged', 'publishing', { maxNth: 6 }),
  {
    name: 'relay.stopped-past-its-lock',
    victim: 'relay',
    actions: ['stop'],
    stages: ['publishing'],
    // The server ends a relay's session after 6 s of silence.
    by: { kind: 'signal', standsStillMs: [6_500, 8_500], loses: 'lock' },
  },

  failpoint('projector.fetched', 'projection'),
  failpoint('projector.written', 'projection'),
  failpoint('projector.committed', 'projection'),
  {
    name: 'projector.stopped-past-its-session',
    victim: 'projector',
    actions: ['stop'],
    stages: ['projection'],
    // The group gives its partitions to another member after 6 s of silence.
    by: { kind: 'signal', standsStillMs: [7_000, 9_500], loses: 'session' },
  },
  rebuild('projector.rebuild-filled'),
  rebuild('projector.rebuild-swap'),

  failpoint('orchestrator.consumed', 'fulfilment'),
  failpoint('orchestrator.decided', 'fulfilment'),
  failpoint('orchestrator.committed', 'fulfilment'),
  failpoint('orchestrator.reserved', 'fulfilment'),
  failpoint('orchestrator.captured', 'fulfilment'),
  failpoint('orchestrator.compensating', 'fulfilment', { maxNth: 3 }),
  failpoint('orchestrator.timer', 'fulfilment', { maxNth: 2 }),

  failpoint('gateway.charged', 'fulfilment'),
  failpoint('gateway.slow', 'fulfilment', { actions: ['stall'], stallMs: 30_000 }),
  failpoint('gateway.error', 'fulfilment', { actions: ['throw'] }),
  failpoint('gateway.contradict', 'fulfilment', { actions: ['throw'], maxNth: 2 }),
];

export interface PlannedHit {
  readonly n: number;
  readonly point: KillPoint;
  readonly action: Action;
}

export const kindOf = ({ point, action }: Pick<PlannedHit, 'point' | 'action'>): string => `${point.name} ${action}`;

/** Where a process can die, that is what is asked for so often, and half as often each of what it survives there. */
const hitsOf = ({ actions }: KillPoint, action: Action, hits: number): number =>
  action === 'exit' || !actions.includes('exit') ? hits : Math.ceil(hits / 2);

/** The same in words. */
export const countsIn = (hits: number): string =>
  `each death, and what is done where nothing dies, ${hits} times; each throw, stall and cut session beside a death ${Math.ceil(hits / 2)} times`;

/** Every kill point and action whose name contains one of `only`, so many times each; in the order of the table. */
export function planOf(hits: number, only: readonly string[] = ['']): PlannedHit[] {
  const plan: PlannedHit[] = [];
  for (const point of KILL_POINTS) {
    for (const action of point.actions) {
      if (!only.some((part) => kindOf({ point, action }).includes(part))) continue;
      for (let hit = 0; hit < hitsOf(point, action, hits); hit += 1) plan.push({ n: plan.length + 1, point, action });
    }
  }
  return plan;
}
