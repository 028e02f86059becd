// Proves: a deployment is judged by how the old process left: in order, and in time.
import { describe, expect, it } from 'vitest';
import { badExit } from './process.faults.js';

describe('leaving after SIGTERM', () => {
  it.each([
    ['in order', { code: 0, signal: null }, 9_900, true, undefined],
    ['with steps that failed while nothing else was broken', { code: 1, signal: null }, 300, true, /exit code 1/],
    ['with steps that failed beside another fault', { code: 1, signal: null }, 300, false, undefined],
    ['later than it may', { code: 0, signal: null }, 12_001, false, /only 12001 ms/],
    ['not at all', { code: null, signal: 'SIGKILL' as const }, 20_000, false, /did not leave/],
  ])('%s', (_, exit, tookMs, isAlone, wanted) => {
    const defect = badExit(exit, tookMs, isAlone);
    if (wanted === undefined) expect(defect).toBeUndefined();
    else expect(defect).toMatch(wanted);
  });
});
