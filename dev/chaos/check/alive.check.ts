import type { FaultRecord } from '../history/fault-record.js';
import type { Bounds } from './bounds.js';
import type { FaultWindows } from './fault-windows.js';
import type { HistoryDigest } from './history-digest.js';
import { firstAt, inOrder } from './in-order.js';
import { instancesAlive } from './instances-alive.js';
import { number, Violations, type Judgement } from './violations.js';

export interface InstanceFaults {
  readonly records: readonly FaultRecord[];
  /** Where clients ask each instance, by its name. */
  readonly origins: Readonly<Record<string, string>>;
}

/** Of so many healings and more at least this share must show when the first success came; the others had the next fault too soon. */
const JUDGED_FROM = 4;
const JUDGED_SHARE = 0.5;

/**
 * I12: after every healing (of faults that overlap: of the last) a command succeeds within the bound, and a read as well, as long as
 * somebody asked and no next fault came before, which must not be so for more than half of them; every instance that was hit answers
 * well itself, see instancesAlive; nothing was ever answered but what the documents say; every command has its final answer in the end.
 */
export function checkAlive(
  history: HistoryDigest,
  faults: FaultWindows,
  bounds: Pick<Bounds, 'firstSuccessMs' | 'instanceSuccessMs'>,
  { records, origins }: InstanceFaults = { records: [], origins: {} },
): Judgement {
  const violations = new Violations();
  const commands = firstAfterHealing(faults, inOrder(history.sentAt), inOrder(history.commandSucceededAt), bounds.firstSuccessMs);
  const reads = firstAfterHealing(faults, inOrder(history.readAt), inOrder(history.readSucceededAt), bounds.firstSuccessMs);
  for (const [what, { times, late }] of [
    ['command', commands],
    ['read', reads],
  ] as const) {
    const healings = faults.spans.length;
    const judged = times.length + late.length;
    if (healings >= JUDGED_FROM && judged < JUDGED_SHARE * healings)
      violations.add(`only ${judged} of ${healings} healings could be judged by the first ${what} after them`, [], 'history');
    for (const { healedAt, afterMs } of late) {
      const heard = afterMs === undefined ? 'at all' : `before ${afterMs} ms`;
      violations.add(
        `after the healing at ${new Date(healedAt).toISOString()} no ${what} succeeded ${heard} (bound ${bounds.firstSuccessMs} ms)`,
        [String(healedAt)],
        'history',
      );
    }
  }
  const instances = instancesAlive(records, faults, origins, history.instances(), bounds.instanceSuccessMs);
  for (const { name, fault, forMs } of instances.dead) {
    const { n, kind, target } = fault;
    violations.add(
      `${name} was asked in vain for ${forMs} ms without any fault after #${n} ${kind} (${target}; bound ${bounds.instanceSuccessMs} ms)`,
      [name],
      'history',
    );
  }
  for (const { of, what, ids, where } of history.complaints) if (of === 'surprise') violations.add(what, ids, where);
  const settled = history.phases.findLast(({ phase }) => phase === 'settled');
  if (settled === undefined) violations.add('the load was never settled', [], 'history');
  for (const { key, accepted, refused, where, asked } of history.stories.values()) {
    if (accepted === undefined && refused === undefined) violations.add(`${asked.intent} ${key} never got a final answer`, [key], where);
  }
  const sorted = inOrder(commands.times);
  return {
    checked: `${number(sorted.length)} healings with a command within ${number(sorted.at(-1) ?? 0)} ms at most, ${number(commands.unjudged)} too close to the next fault; ${number(instances.judged)} of ${number(instances.judged + instances.unjudged)} times the instance that was hit was seen at work again; ${number(history.requests)} requests, ${number(history.unanswered)} without an answer`,
    counted: {
      healings: faults.spans.length,
      judged: sorted.length + commands.late.length,
      unjudged: commands.unjudged,
      instancesJudged: instances.judged,
      instancesUnjudged: instances.unjudged,
      firstSuccessP50Ms: quantile(sorted, 0.5),
      firstSuccessP95Ms: quantile(sorted, 0.95),
      firstSuccessWorstMs: sorted.at(-1) ?? 0,
      requests: history.requests,
      unanswered: history.unanswered,
    },
    violations,
  };
}

interface Firsts {
  /** From healing to first success, milliseconds. */
  readonly times: number[];
  readonly late: { readonly healedAt: number; readonly afterMs: number | undefined }[];
  unjudged: number;
}

function firstAfterHealing({ spans }: FaultWindows, asked: readonly number[], succeeded: readonly number[], boundMs: number): Firsts {
  const firsts: Firsts = { times: [], late: [], unjudged: 0 };
  spans.forEach(({ to: healedAt }, index) => {
    const success = firstFrom(succeeded, healedAt);
    const afterMs = success === undefined ? undefined : success - healedAt;
    const next = spans[index + 1]?.from ?? Infinity;
    const someoneAsked = (firstFrom(asked, healedAt) ?? Infinity) <= healedAt + boundMs / 2;
    if (afterMs !== undefined && afterMs <= boundMs) firsts.times.push(afterMs);
    else if (someoneAsked && next > healedAt + boundMs) firsts.late.push({ healedAt, afterMs });
    else firsts.unjudged += 1;
  });
  return firsts;
}

const firstFrom = (numbers: readonly number[], least: number): number | undefined => numbers[firstAt(numbers, least)];

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
