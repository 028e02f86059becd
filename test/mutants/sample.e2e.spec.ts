/**
 * Proves, on a sample at every test run, that this suite notices when a mechanism is broken that carries a promise; and that the runner
 * calls nothing killed that is not. The whole set: `npm run mutants`.
 */
import { expect, inject, it } from 'vitest';
import { REPOSITORY_ROOT } from '../../dev/paths.js';
import { MUTANTS } from './catalogue.js';
import type { Edit, Mutant } from './mutant.js';
import { runMutants } from './mutation-run.js';
import { proofs } from './proofs.js';

const SAMPLE = MUTANTS.filter(({ sampled }) => sampled);

const DEFINITION = 'libs/domain/fulfilment/saga-definition.ts';
const planted = (name: string, edit: Omit<Edit, 'file'>): Mutant => ({
  name,
  mechanism: 'a saga that could get stuck half way does not start',
  breaks: ['I9'],
  edits: [{ file: DEFINITION, ...edit }],
  specs: ['libs/domain/fulfilment/saga-definition.spec.ts'],
});

/** What must not count as a kill. */
const PLANTED = [
  planted('harmless', { search: 'if (late !== undefined) {', replace: 'if (!(late === undefined)) {' }),
  planted('unreadable', { search: 'if (late !== undefined) {', replace: 'if (late !== undefined {' }),
];

it('each of the sample is killed, and what breaks nothing, or everything, is not', { timeout: 600_000 }, async () => {
  const mutants = [...SAMPLE, ...PLANTED];
  const servers = { databaseUrl: inject('databaseUrl'), kafkaBrokers: [] };
  const verdicts = await runMutants(mutants, { root: REPOSITORY_ROOT, servers, proofs });
  const outcomes = verdicts.map(({ mutant, outcome, reason }) => [mutant.name, outcome, outcome === 'killed' ? '' : reason]);
  expect(outcomes).toEqual([
    ...SAMPLE.map(({ name }) => [name, 'killed', '']),
    ['harmless', 'survived', expect.stringContaining('stayed green')],
    ['unreadable', 'no-result', expect.stringContaining('saga-definition.spec.ts')],
  ]);
});
