export type InvariantId = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9' | 'I10' | 'I11' | 'I12';

export interface Violation {
  /** What is broken, a sentence. */
  readonly what: string;
  /** Streams, keys, records, processes: whatever helps to find it. */
  readonly ids: readonly string[];
  /** Where to look: a query, a file, a line of the history. */
  readonly lookAt: string;
}

export interface InvariantResult {
  readonly id: InvariantId;
  readonly title: string;
  readonly ok: boolean;
  /** What was looked at, with numbers, for a person. */
  readonly checked: string;
  readonly counted: Readonly<Record<string, number>>;
  /** How many there are; `violations` keeps the first few hundred. */
  readonly broken: number;
  readonly violations: readonly Violation[];
  readonly seconds: number;
}
