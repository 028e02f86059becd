/**
 * Proves that every append that shares a commit gets one verdict, and a true one, whatever dies in between (some seeds; `npm run simulate`
 * takes as many as it is given), and that the simulation finds a group commit of which that is not so.
 */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Simulator } from '../kernel/simulator.js';
import { groupCommitSimulator, groupCommitSimulatorOf } from './group-commit.simulator.js';

/** What is found wrong by the first seed that finds anything. */
async function firstViolation(simulator: Simulator, seeds = 200): Promise<string | undefined> {
  for (let seed = 1; seed <= seeds; seed += 1) {
    const { violations } = await simulator.simulate(seed);
    if (violations.length > 0) return violations.join('\n');
  }
  return undefined;
}

const FAILURES = '../../../libs/event-store/database-failure.js';

describe('group commit, simulated', () => {
  afterEach(() => {
    vi.doUnmock(FAILURES);
    vi.resetModules();
  });

  it('gives every append one true verdict, all of it or nothing, one effect a key', { timeout: 120_000 }, async () => {
    expect(await firstViolation(groupCommitSimulator, 80)).toBeUndefined();
  });

  it('takes the same steps for the same seed', async () => {
    const [one, other] = [await groupCommitSimulator.simulate(4711), await groupCommitSimulator.simulate(4711)];
    expect(other.hash).toBe(one.hash);
  });

  it('finds verdicts that are given to the wrong callers', { timeout: 120_000 }, async () => {
    const shuffled = groupCommitSimulatorOf((store) => ({
      append: async (requests) => (await store.append(requests)).toReversed(),
      heldStreams: (ids) => store.heldStreams(ids),
    }));
    expect(await firstViolation(shuffled)).toMatch(/told "appended", and it is not/);
  });

  it('finds a request that is written in parts', { timeout: 120_000 }, async () => {
    const inParts = groupCommitSimulatorOf((store) => ({
      append: async (requests) => {
        for (const request of requests) {
          const [first, ...others] = request.writes;
          if (others.length > 0 && first !== undefined) await store.append([{ ...request, writes: [first], command: undefined }]);
        }
        return await store.append(
          requests.map((request) => (request.writes.length > 1 ? { ...request, writes: request.writes.slice(1) } : request)),
        );
      },
      heldStreams: (ids) => store.heldStreams(ids),
    }));
    expect(await firstViolation(inParts)).toMatch(/of its \d+ events are stored/);
  });

  it('finds commands whose keys are not kept', { timeout: 120_000 }, async () => {
    const keyless = groupCommitSimulatorOf((store) => ({
      append: (requests) => store.append(requests.map((request) => ({ ...request, command: undefined }))),
      heldStreams: (ids) => store.heldStreams(ids),
    }));
    expect(await firstViolation(keyless)).toMatch(/took effect \d times|under a key that is not its own/);
  });

  it('finds a lost connection that is taken for a rollback', { timeout: 120_000 }, async () => {
    vi.doMock(FAILURES, async (importOriginal) => {
      const original = await importOriginal<typeof import('../../../libs/event-store/database-failure.js')>();
      return { ...original, isRollback: (error: unknown) => original.isRollback(error) || original.isConnectionFailure(error) };
    });
    vi.resetModules();
    const { groupCommitSimulator: mocked } = await import('./group-commit.simulator.js');
    expect(await firstViolation(mocked)).toMatch(/told "conflict", and it was done/);
  });
});
