/** Of the promises that hold under every fault: what each means is in docs/reliability and in the fault runner's checkers. */
export const INVARIANTS = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9', 'I10', 'I11', 'I12'] as const;

export type Invariant = (typeof INVARIANTS)[number];

/** A piece of source text that occurs exactly once in its file, and what stands there instead. */
export interface Edit {
  /** From the root of the checkout. */
  readonly file: string;
  readonly search: string;
  readonly replace: string;
}

/** Our own code with one mechanism broken that carries a promise. The suite must go red, or it would not notice the loss either. */
export interface Mutant {
  /** Kebab-case; says what is broken. */
  readonly name: string;
  /** What carries the promise. */
  readonly mechanism: string;
  /** What would no longer hold; a kill counts when a test that proves one of these failed. */
  readonly breaks: readonly Invariant[];
  readonly edits: readonly Edit[];
  /** Spec files that are to notice, from the root of the checkout. */
  readonly specs: readonly string[];
  /** Only tests whose full name matches, where a spec file has many slow ones: a regular expression as vitest's -t takes it. */
  readonly tests?: string;
  /** One of the few that every test run tries. */
  readonly sampled?: boolean;
}

/** The source with the edit made. Throws when its text is not there exactly once: then the mutant has rotted. */
export function mutated(source: string, { file, search, replace }: Edit): string {
  const first = source.indexOf(search);
  if (first === -1) throw new Error(`${file} no longer contains ${JSON.stringify(search)}`);
  if (source.includes(search, first + 1)) throw new Error(`${file} contains ${JSON.stringify(search)} more than once`);
  return source.slice(0, first) + replace + source.slice(first + search.length);
}
