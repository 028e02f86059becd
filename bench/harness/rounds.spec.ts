/** Proves that contenders meet the same machine: they take turns in changing order, and only the first round is left out. */
import { describe, expect, it } from 'vitest';
import { interleaved, interleavedWarm, spreadOf } from './rounds.js';

const contender = (name: string, log: string[], speeds: number[]) => ({
  name,
  round: async () => {
    log.push(name);
    return { perSecond: speeds.shift()!, latency: { p50: 1, p99: 2 } };
  },
});

describe('rounds', () => {
  it('begin with another contender each time, and the first one warms up', async () => {
    const log: string[] = [];
    const results = await interleaved([contender('a', log, [1, 10, 30, 20]), contender('b', log, [1, 5, 5, 5])], 3, {});
    expect(log).toEqual(['a', 'b', 'b', 'a', 'a', 'b', 'b', 'a']);
    expect(results).toEqual([
      { name: 'a', perSecond: { median: 20, low: 10, high: 30 }, latency: { p50: 1, p99: 2 } },
      { name: 'b', perSecond: { median: 5, low: 5, high: 5 }, latency: { p50: 1, p99: 2 } },
    ]);
  });

  it('all count when the contenders are warm', async () => {
    const log: string[] = [];
    const results = await interleavedWarm([contender('a', log, [10, 30, 20]), contender('b', log, [5, 5, 5])], 3, {});
    expect(log).toEqual(['a', 'b', 'b', 'a', 'a', 'b']);
    expect(results[0]?.perSecond).toEqual({ median: 20, low: 10, high: 30 });
  });

  it('of nothing have no median', () => {
    expect(() => spreadOf([])).toThrow('nothing was measured');
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, low: 1, high: 4 });
  });
});
