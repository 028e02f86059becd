/** Proves what counts as a kill and what does not: an error, a hang, a red control and a test about something else prove nothing. */
import { describe, expect, it } from 'vitest';
import { mutated, type Mutant } from './mutant.js';
import { proofsOf } from './proof-table.js';
import { markdown, progressLine, summary } from './report.js';
import { failureOf, type SpecRun, type TestOutcome } from './spec-run.js';
import { controlProblem, judge } from './verdict.js';

const MUTANT: Mutant = { name: 'broken', mechanism: 'a mechanism', breaks: ['I4', 'I9'], edits: [], specs: ['a.spec.ts'] };
const proofs = proofsOf({ 'a.spec.ts': { 'nothing is lost in %s (really)': ['I4', 'I1'], 'order is kept': ['I5'] } });

const test = (title: string, ...messages: string[]): TestOutcome => ({
  spec: 'a.spec.ts',
  title,
  fullTitle: `all > ${title}`,
  ...(messages.length > 0 && { failure: failureOf(messages) }),
});
const run = (tests: readonly TestOutcome[], complaints: readonly string[] = []): SpecRun => ({ tests, complaints, durationMs: 1_500 });
/** All green, whatever they are called. */
const controlOf = ({ tests }: SpecRun): SpecRun => run(tests.map(({ failure: _failure, ...rest }) => rest));
const judged = (result: SpecRun, control = controlOf(result)) => judge(MUTANT, result, control, proofs);
const LOST = 'AssertionError: expected 4 to be 5\n    at somewhere';

describe('an edit', () => {
  const edit = { file: 'a.ts', search: 'b', replace: 'x$&x' };

  it('replaces text that is there once, as it is written', () => {
    expect(mutated('a b c', edit)).toBe('a x$&x c');
  });

  it.each(['a c', 'a b b'])('of %j is refused: the mutant has rotted', (source) => {
    expect(() => mutated(source, edit)).toThrow(/a\.ts .*contains "b"/);
  });
});

describe('a failure', () => {
  it.each([
    ['AssertionError: expected 1 to be 2', 'assertion'],
    ['Error: Property failed after 3 tests\n{ seed: 1 }', 'assertion'],
    ['Error: the outbox to be empty did not come true within 15000 ms: not yet', 'assertion'],
    ['Error: promise resolved "[]" instead of rejecting', 'assertion'],
    ['TypeError: x is not a function', 'error'],
    ['error: duplicate key value violates unique constraint', 'error'],
    ['Error: Test timed out in 30000ms.', 'timeout'],
    ['Error: STACK_TRACE_ERROR', 'timeout'],
  ])('"%s" is of the kind %s', (message, kind) => {
    expect(failureOf([message]).kind).toBe(kind);
  });

  it('with several reasons is what the test saw', () => {
    expect(failureOf(['Error: Hook timed out in 10 ms', LOST])).toEqual({
      kind: 'assertion',
      message: 'AssertionError: expected 4 to be 5',
    });
  });
});

describe('a mutant', () => {
  it('is killed by a test that proves what it breaks, and saw it', () => {
    const verdict = judged(run([test('order is kept', LOST), test('nothing is lost in 3 ways (really)', LOST), test('other')]));
    expect(verdict).toMatchObject({ outcome: 'killed', caughtBy: ['I4'] });
    expect(verdict.killers.map(({ title }) => title)).toEqual(['nothing is lost in 3 ways (really)', 'order is kept']);
    expect(progressLine(verdict, 1, 1)).toContain('I4  a.spec.ts: all > nothing is lost in 3 ways (really) (+1)');
  });

  it.each([
    ['survived', run([test('other')])],
    ['off-target', run([test('order is kept', LOST), test('other')])],
    ['unclear', run([test('nothing is lost in a way (really)', 'TypeError: no')])],
    ['unclear', run([test('nothing is lost in a way (really)', 'Error: Test timed out in 30000ms.')])],
    ['no-result', run([], ['a.spec.ts could not be loaded'])],
    ['no-result', run([test('other')], ['a hook failed'])],
    ['no-result', run([])],
  ])('has %s otherwise', (outcome, result) => {
    const verdict = judged(result);
    expect(verdict.outcome).toBe(outcome);
    expect(summary([verdict], [MUTANT])).toContain(`0 of 1 mutants killed\n  broken: ${outcome}, `);
  });

  it('needs its spec files green without it, all of them', () => {
    expect(controlProblem(run([test('other')]), MUTANT)).toBeUndefined();
    expect(controlProblem(run([test('other', LOST)]), MUTANT)).toBe('red without it: all > other');
    expect(controlProblem(run([test('other')], ['b is broken']), { ...MUTANT, specs: ['a.spec.ts', 'b.spec.ts'] })).toBe(
      'b.spec.ts ran no test without it: b is broken',
    );
  });

  it('is not killed by a test that the control did not see green', () => {
    const result = run([test('nothing is lost in a way (really)', LOST)]);
    expect(judged(result, run([])).outcome).toBe('survived');
    expect(judged(result, result).outcome).toBe('survived');
  });

  it('that was not run is no success', () => {
    expect(summary([], [MUTANT])).toBe('0 of 1 mutants killed\n  broken: not run');
  });

  it('has a row in the table', () => {
    const table = markdown([judged(run([test('nothing is lost in a|b (really)', LOST)]))], [MUTANT]);
    expect(table).toContain(
      '| `broken` | a mechanism | killed | I4 I9 | I4 | a.spec.ts: all > nothing is lost in a\\|b (really) | 1.5 s |',
    );
  });
});
