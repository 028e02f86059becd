import type { Invariant } from './mutant.js';
import type { TestOutcome } from './spec-run.js';
import type { Proofs } from './verdict.js';

/** Spec file → title of a test as it stands in the source → the invariants that would not hold if it failed. */
export type ProofTable = Readonly<Record<string, Readonly<Record<string, readonly Invariant[]>>>>;

export function proofsOf(table: ProofTable): Proofs {
  return ({ spec, title }: TestOutcome) => {
    const found = Object.entries(table[spec] ?? {}).find(([written]) => patternOf(written).test(title));
    return found?.[1] ?? [];
  };
}

/** Titles of `it.each` hold placeholders where the printed ones hold values. */
function patternOf(written: string): RegExp {
  const parts = written.split(/%[sdifjoc]|\$\w+(?:\.\w+)*/).map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}
