/** What a check found out. */
export interface Finding {
  /** What was looked at, with numbers, for a person. */
  readonly checked: string;
  /** The same numbers by name. */
  readonly counts: Readonly<Record<string, number>>;
  readonly violations: Violations;
}

/** An invariant of the whole system. `check` must be run on a stack that stands still. */
export interface Invariant {
  readonly id: 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8';
  readonly title: string;
  check(): Promise<Finding>;
}

const KEPT = 1_000;

/** Counts all, keeps the first thousand. */
export class Violations {
  count = 0;
  readonly kept: string[] = [];

  /** @param violation what is broken, beginning with the id of whatever breaks it */
  add(violation: string): void {
    this.count += 1;
    if (this.kept.length < KEPT) this.kept.push(violation);
  }
}

export const number = (value: number): string => value.toLocaleString('en-GB');
