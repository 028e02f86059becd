import type { FaultRecord } from '../history/fault-record.js';

interface Span {
  readonly from: number;
  readonly to: number;
}

/** When something was broken: faults that overlap or touch are one span. */
export class FaultWindows {
  readonly spans: readonly Span[];

  constructor(faults: readonly Pick<FaultRecord, 'startedAt' | 'healedAt'>[]) {
    const spans: { from: number; to: number }[] = [];
    for (const { startedAt, healedAt } of [...faults].sort((one, other) => one.startedAt - other.startedAt)) {
      const last = spans.at(-1);
      if (last !== undefined && startedAt <= last.to) last.to = Math.max(last.to, healedAt);
      else spans.push({ from: startedAt, to: healedAt });
    }
    this.spans = spans;
  }

  /** All the time without any fault between two moments, however many faults part it, milliseconds. */
  quietBetween(from: number, to: number): number {
    let quiet = Math.max(0, to - from);
    for (let index = this.firstEndingAfter(from); index < this.spans.length; index += 1) {
      const span = this.spans[index]!;
      if (span.from >= to) break;
      quiet -= Math.min(span.to, to) - Math.max(span.from, from);
    }
    return quiet;
  }

  private firstEndingAfter(moment: number): number {
    let low = 0;
    for (let high = this.spans.length; low < high;) {
      const middle = (low + high) >> 1;
      if (this.spans[middle]!.to > moment) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
