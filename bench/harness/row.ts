import type { BenchContext } from './bench-context.js';
import type { Result } from './rounds.js';

/** One row of the table: something measured, beside what people would use instead and beside a ceiling. */
export interface BenchRow {
  /** To ask for it alone: `npm run bench -- append`. */
  readonly name: string;
  readonly measures: string;
  /** Part of `--quick`. */
  readonly quick: boolean;
  run(context: BenchContext): Promise<readonly Comparison[]>;
}

/** Contenders that did the same work in turns. */
export interface Comparison {
  /** `64 in flight, 1 event each` */
  readonly what: string;
  /** Of `perSecond`: `appends`, `events`, `requests` … */
  readonly unit: string;
  /** Ours is the first. */
  readonly results: readonly Result[];
  /** The results are not of the same work: nothing is to be divided by anything. */
  readonly unrelated?: boolean;
  readonly goals: readonly Goal[];
  /** What a reader has to know to read the figures rightly: a peer's version, what it leaves out. */
  readonly notes?: readonly string[];
}

export interface Goal {
  /** `≥ 8 × Emmett` */
  readonly wanted: string;
  /** `9.3 ×` */
  readonly measured: string;
  readonly reached: boolean;
}

/** Ours is to be so many times as fast as `other`. @throws Error when there is no such contender */
export function timesAsFast(results: readonly Result[], other: string, factor: number): Goal {
  const [ours, theirs] = [results[0], results.find(({ name }) => name === other)];
  if (ours === undefined || theirs === undefined) throw new Error(`${other} was not measured`);
  const ratio = ours.perSecond.median / theirs.perSecond.median;
  return { wanted: `≥ ${factor} × ${other}`, measured: `${ratio.toFixed(2)} ×`, reached: ratio >= factor };
}

/** The row needs something that is not here; its message says what, and how to give it. */
export class LeftOut extends Error {}

/** A figure that is to be at least, or at most, so large. */
export function atLeast(measured: number, wanted: number, unit: string): Goal {
  return { wanted: `≥ ${told(wanted)} ${unit}`, measured: `${told(measured)} ${unit}`, reached: measured >= wanted };
}

export function atMost(measured: number, wanted: number, unit: string): Goal {
  return { wanted: `≤ ${told(wanted)} ${unit}`, measured: `${told(measured)} ${unit}`, reached: measured <= wanted };
}

/** Three digits that matter, thousands apart. */
export function told(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
