/**
 * Proves that no mutant has rotted: each still applies to today's source, names spec files and tests that exist, and every mechanism
 * the design rests on is broken by at least one.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REPOSITORY_ROOT } from '../../dev/paths.js';
import { MUTANTS } from './catalogue.js';
import { INVARIANTS, mutated } from './mutant.js';
import { PROOFS } from './proofs.js';

const read = (file: string): string => readFileSync(join(REPOSITORY_ROOT, file), 'utf8');

describe.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('%s', (_name, { edits, specs, breaks }) => {
  it('applies to the source as it is', () => {
    const texts = new Map<string, string>();
    for (const edit of edits) {
      const before = texts.get(edit.file) ?? read(edit.file);
      const after = mutated(before, edit);
      expect(after).not.toBe(before);
      texts.set(edit.file, after);
    }
  });

  it('can be caught: its spec files are there and hold a proof of what it breaks', () => {
    expect(specs.filter((spec) => !existsSync(join(REPOSITORY_ROOT, spec)))).toEqual([]);
    const proven = specs.flatMap((spec) => Object.values(PROOFS[spec] ?? {}).flat());
    expect(proven.some((invariant) => breaks.includes(invariant))).toBe(true);
  });
});

describe('the catalogue', () => {
  it('has one mutant a name', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
  });

  it('breaks every invariant', () => {
    const broken = new Set(MUTANTS.flatMap(({ breaks }) => breaks));
    expect(INVARIANTS.filter((invariant) => !broken.has(invariant))).toEqual([]);
  });

  it.each([
    'outbox row in the transaction of its event',
    'version check',
    'idempotency key in the transaction of its events',
    'advisory lock of the relay',
    'delete after ack',
    'version guard in projections',
    'checkpoint in the transaction of its effects',
    'undo registered before dispatch',
    'ask before charging again',
    'key order in batches: relay',
    'key order in batches: producer',
    'key order in batches: consumer',
    'act of an operator in the transaction of its effect: outbox',
    'act of an operator in the transaction of its effect: outbox, by filter',
    'act of an operator in the transaction of its effect: release of a stream',
    'act of an operator in the transaction of its effect: release by filter',
    'act of an operator in the transaction of its effect: release of a letter without a stream',
    'act of an operator in the transaction of its effect: discard',
    'act of an operator in the transaction of its effect: discard by filter',
    'act of an operator in the transaction of its effect: fulfilment, evidence included',
    'act of an operator in the transaction of its effect: fulfilments by filter',
    'bounded requests of a process',
    'bounded bodies of a process',
    'bounded waiters for consistency tokens',
    'bounded live answers',
    'bounded decisions of operators',
    'drain before the end',
  ])('breaks the mechanism "%s"', (mechanism) => {
    expect(MUTANTS.map((mutant) => mutant.mechanism)).toContain(mechanism);
  });
});

describe('the proofs', () => {
  it.each(Object.entries(PROOFS))('of %s name tests that are there', (spec, tests) => {
    const source = read(spec);
    expect(Object.keys(tests).filter((title) => !source.includes(title))).toEqual([]);
  });
});
