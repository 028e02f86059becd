import type { Invariant, Mutant } from './mutant.js';
import type { SpecRun, TestOutcome } from './spec-run.js';

/**
 * - killed: a test that proves what the mutant breaks looked, and saw it broken
 * - survived: everything stayed green
 * - off-target: tests saw something broken, but none of them proves what the mutant is said to break
 * - unclear: tests failed by an error or never ended, and none by what it saw
 * - no-result: the run itself failed (a file could not be loaded, a hook, the time was up)
 * - no-control: without the mutant the same spec files are not green, so red would prove nothing
 */
export type Outcome = 'killed' | 'survived' | 'off-target' | 'unclear' | 'no-result' | 'no-control';

export interface Verdict {
  readonly mutant: Mutant;
  readonly outcome: Outcome;
  /** The tests that saw it, those that prove something first. */
  readonly killers: readonly TestOutcome[];
  /** Of what the mutant breaks, what the killers prove. */
  readonly caughtBy: readonly Invariant[];
  /** Why it is not killed. */
  readonly reason?: string;
  readonly durationMs: number;
}

/** Which invariants a test proves; none for most. */
export type Proofs = (test: TestOutcome) => readonly Invariant[];

/** What of the control's complaints and red tests makes a mutant's red worthless. */
export function controlProblem({ tests, complaints }: Pick<SpecRun, 'tests' | 'complaints'>, { specs }: Mutant): string | undefined {
  const red = tests.filter(({ spec, failure }) => specs.includes(spec) && failure !== undefined);
  if (red.length > 0) return `red without it: ${red.map(({ fullTitle }) => fullTitle).join('; ')}`;
  const silent = specs.filter((spec) => !tests.some((test) => test.spec === spec));
  return silent.length === 0 ? undefined : `${silent.join(', ')} ran no test without it: ${complaints.join('; ') || 'no reason given'}`;
}

/** Only tests that were green in the control count. */
export function judge(mutant: Mutant, run: SpecRun, control: Pick<SpecRun, 'tests'>, proofs: Proofs): Verdict {
  const green = new Set(control.tests.filter(({ failure }) => failure === undefined).map(nameOf));
  const failed = run.tests.filter((test) => test.failure !== undefined && green.has(nameOf(test)));
  const saw = failed.filter(({ failure }) => failure?.kind === 'assertion');
  const onTarget = saw.filter((test) => proofs(test).some((invariant) => mutant.breaks.includes(invariant)));
  const killers = [...onTarget, ...saw.filter((test) => !onTarget.includes(test))];
  const proven = new Set(killers.flatMap((test) => proofs(test)));
  const base = { mutant, killers, caughtBy: mutant.breaks.filter((each) => proven.has(each)), durationMs: run.durationMs };
  if (onTarget.length > 0) return { ...base, outcome: 'killed' };
  if (saw.length > 0) return { ...base, outcome: 'off-target', reason: `none of what failed proves ${mutant.breaks.join(', ')}` };
  const first = failed[0];
  if (first !== undefined) return { ...base, outcome: 'unclear', reason: `${first.fullTitle}: ${first.failure?.message}` };
  if (run.complaints.length > 0) return { ...base, outcome: 'no-result', reason: run.complaints.join('; ') };
  if (run.tests.length === 0) return { ...base, outcome: 'no-result', reason: 'no test ran' };
  return { ...base, outcome: 'survived', reason: `all ${run.tests.length} tests stayed green` };
}

const nameOf = ({ spec, fullTitle }: TestOutcome): string => `${spec} > ${fullTitle}`;
