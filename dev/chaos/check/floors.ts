import { DOUBLED_APPS } from '../stack/instance.js';
import type { InvariantId, InvariantResult } from './invariant-result.js';
import { judgedLivesOf } from './resources.check.js';

/** What a run was, as far as it may have been too little. */
export interface RunExtent {
  readonly minutes: number;
  /** Faults of the schedule. */
  readonly planned: number;
  /** By kind: as far as there was time for them. See plannedInTime. */
  readonly plannedOfKind: Readonly<Record<string, number>>;
  /** Carried out. */
  readonly faults: readonly { readonly kind: string; readonly target: string }[];
  readonly leftOut: readonly { readonly kind: string; readonly notReached?: true }[];
  readonly counts: { readonly accepted: number };
  readonly invariants: readonly Pick<InvariantResult, 'id' | 'counted'>[];
}

const ALL: readonly InvariantId[] = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9', 'I10', 'I11', 'I12'];
/** Of the faults that were planned, how many must have been carried out; those that were armed and not reached are nobody's fault. */
const CARRIED_OUT_SHARE = 0.8;
/** Of a kind that was to come so often, one at least must have been carried out. */
const SOME_OF_A_KIND_FROM = 2;
/** In a longer run some process lives long enough to show whether it grows. */
const PLATEAU_AFTER_MINUTES = 5;
/** In one like this some process of each app does: of each, four and more did within twenty minutes under faults of all kinds. */
const EVERY_PLATEAU_AFTER_MINUTES = 30;
/** Unless the run was for little else than to hit it. */
const HIT_ALL_THE_TIME_SHARE = 0.25;

/** Why a run proves nothing, however clean it is: nothing was done to it, or nothing was looked at. Empty: it does. */
export function emptinessOf(extent: RunExtent): string[] {
  const { minutes, planned, faults, counts, invariants } = extent;
  const reachable = planned - notReached(extent).length;
  const never = kindsNeverCarriedOut(extent);
  const counted = (id: InvariantId, name: string): number => invariants.find((each) => each.id === id)?.counted[name] ?? 0;
  const unjudged = DOUBLED_APPS.filter((app) => counted('I11', judgedLivesOf(app)) === 0 && !isAlwaysHit(app, faults));
  const missing = ALL.filter((id) => !invariants.some((each) => each.id === id));
  return [
    faults.length === 0 && 'there was no fault',
    faults.length < CARRIED_OUT_SHARE * reachable && `only ${faults.length} of ${reachable} planned faults were carried out`,
    never.length > 0 && `planned ${SOME_OF_A_KIND_FROM} times or more and never carried out: ${never.join(', ')}`,
    counts.accepted === 0 && 'no command was accepted',
    missing.length > 0 && `not checked: ${missing.join(', ')}`,
    counted('I1', 'accepted') === 0 && 'no accepted command was looked for in the store (I1)',
    counted('I6', 'readsWithToken') === 0 && 'no read showed what its token says (I6)',
    counted('I12', 'healings') > 0 && counted('I12', 'judged') === 0 && 'no healing was judged (I12)',
    minutes > PLATEAU_AFTER_MINUTES && counted('I11', 'judged') === 0 && 'no process lived long enough to be judged (I11)',
    minutes > EVERY_PLATEAU_AFTER_MINUTES &&
      unjudged.length > 0 &&
      `no process of ${unjudged.join(', ')} lived long enough to be judged (I11)`,
  ].filter((reason) => reason !== false);
}

const isAlwaysHit = (app: string, faults: RunExtent['faults']): boolean =>
  faults.filter(({ target }) => target.startsWith(app)).length > HIT_ALL_THE_TIME_SHARE * faults.length;

const notReached = ({ leftOut }: RunExtent): RunExtent['leftOut'] => leftOut.filter((each) => each.notReached);

function kindsNeverCarriedOut(extent: RunExtent): string[] {
  const missed = notReached(extent);
  return Object.entries(extent.plannedOfKind).flatMap(([kind, planned]) => {
    const reachable = planned - missed.filter((each) => each.kind === kind).length;
    return reachable >= SOME_OF_A_KIND_FROM && !extent.faults.some((fault) => fault.kind === kind) ? kind : [];
  });
}
