import type { FaultKind } from './faults/fault.js';
import { Random } from './load/random.js';

export interface PlannedFault {
  readonly n: number;
  readonly kind: string;
  readonly target: string;
  /** From the beginning of the run, milliseconds. */
  readonly atMs: number;
  readonly holdMs: number;
  /** For whatever else the fault draws. */
  readonly seed: number;
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly forMs: number;
  readonly kinds: readonly FaultKind[];
  /** Between the beginnings of two faults, milliseconds, both included. */
  readonly gapMs: readonly [least: number, most: number];
}

/** The first one comes when the load has begun to be worked on. */
const FIRST_AT_MS = 4_000;
/** The last one shall still be healed and recovered from under load. */
const QUIET_END_MS = 5_000;
/** A fault may have to wait so long for others to end. */
const ROOM_MS = 120_000;

/**
 * Which fault comes when, from the seed alone: rounds of all kinds (each as often as its weight says) in a new order each, so that a
 * run of any length meets as many kinds as it has room for.
 */
export function scheduleOf({ seed, forMs, kinds, gapMs }: ScheduleOptions): PlannedFault[] {
  const random = new Random(seed, 1);
  const round = kinds.flatMap((kind) => Array.from({ length: kind.weight ?? 1 }, () => kind));
  const planned: PlannedFault[] = [];
  let left: FaultKind[] = [];
  for (let atMs = FIRST_AT_MS; round.length > 0 && atMs < forMs - QUIET_END_MS; atMs += random.between(...gapMs)) {
    if (left.length === 0) left = shuffled(round, random);
    const kind = left.pop()!;
    planned.push({
      n: planned.length + 1,
      kind: kind.kind,
      target: random.of(kind.targets),
      atMs,
      holdMs: random.between(...kind.holdMs),
      seed: random.between(0, 2 ** 31 - 1),
    });
  }
  return planned;
}

/** How often each kind is to come, without those whose time comes so late that there may be no room for them any more. */
export function plannedInTime(schedule: readonly PlannedFault[], forMs: number): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind, atMs } of schedule) if (atMs <= forMs - ROOM_MS) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = random.between(0, last);
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
}
