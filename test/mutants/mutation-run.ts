import type { TestServers } from '../harness/servers.js';
import type { Mutant } from './mutant.js';
import { MutatedTree } from './mutated-tree.js';
import { runSpecs, type SpecRun } from './spec-run.js';
import { controlProblem, judge, type Proofs, type Verdict } from './verdict.js';

export interface MutationRunOptions {
  /** The checkout. */
  readonly root: string;
  readonly servers: TestServers;
  /** Where the copy of the checkout goes; default the folder for temporary files. */
  readonly folder?: string;
  readonly proofs: Proofs;
  /** Milliseconds for the specs of one mutant. Default 180,000. */
  readonly limitMs?: number;
  /** Milliseconds for the specs of all mutants together, unmutated. Default ten minutes. */
  readonly controlLimitMs?: number;
  readonly onControl?: (run: SpecRun) => void;
  readonly onVerdict?: (verdict: Verdict) => void;
  /** No mutant is begun after it, and the one under way is ended. */
  readonly signal?: AbortSignal;
}

/**
 * First the spec files of all mutants on the unchanged source, then each mutant by itself on its own. One at a time: many specs judge by
 * deadlines, which two at once would miss. Mutants that were not begun have no verdict.
 */
export async function runMutants(mutants: readonly Mutant[], options: MutationRunOptions): Promise<Verdict[]> {
  const { root, servers, folder, proofs, limitMs = 180_000, controlLimitMs = 600_000, onControl, onVerdict, signal } = options;
  const tree = MutatedTree.copyOf(root, folder);
  const verdicts: Verdict[] = [];
  try {
    const control = await controlRun(mutants, (specs, tests) =>
      runSpecs({ root: tree.root, specs, servers, limitMs: controlLimitMs, ...(tests && { tests }), ...(signal && { signal }) }),
    );
    if (signal?.aborted) return verdicts;
    onControl?.(control);
    for (const mutant of mutants) {
      const verdict = await verdictOn(mutant);
      if (signal?.aborted) break;
      verdicts.push(verdict);
      onVerdict?.(verdict);
    }

    async function verdictOn(mutant: Mutant): Promise<Verdict> {
      const problem = controlProblem(control, mutant);
      if (problem !== undefined) return { mutant, outcome: 'no-control', killers: [], caughtBy: [], reason: problem, durationMs: 0 };
      tree.apply(mutant.edits);
      try {
        const { specs, tests } = mutant;
        const run = await runSpecs({ root: tree.root, specs, servers, limitMs, ...(tests && { tests }), ...(signal && { signal }) });
        return judge(mutant, run, control, proofs);
      } finally {
        tree.restore();
      }
    }
  } finally {
    tree.remove();
  }
  return verdicts;
}

/** The tests that the mutants will run, once each: of a spec file that every mutant wants only some tests of, those. */
async function controlRun(
  mutants: readonly Mutant[],
  run: (specs: readonly string[], tests?: string) => Promise<SpecRun>,
): Promise<SpecRun> {
  const whole = new Set(mutants.filter(({ tests }) => tests === undefined).flatMap(({ specs }) => specs));
  const partly = mutants.filter(({ specs }) => specs.some((spec) => !whole.has(spec)));
  const runs: SpecRun[] = [];
  if (whole.size > 0) runs.push(await run([...whole]));
  if (partly.length > 0) {
    const specs = new Set(partly.flatMap((mutant) => mutant.specs).filter((spec) => !whole.has(spec)));
    runs.push(await run([...specs], [...new Set(partly.map(({ tests }) => `(?:${tests})`))].join('|')));
  }
  return {
    tests: runs.flatMap(({ tests }) => tests),
    complaints: runs.flatMap(({ complaints }) => complaints),
    durationMs: runs.reduce((sum, { durationMs }) => sum + durationMs, 0),
  };
}
