// Proves: exactly the next events of each stream are fresh; repeats and holes are told apart from them in every mixture.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { GapError, splitByVersion, type Versioned } from './version-guard.js';

const event = (streamId: string, version: number): Versioned => ({ streamId, version });

describe('splitByVersion', () => {
  it('lets the successors through, also several of one stream', () => {
    const messages = [event('a', 3), event('b', 1), event('a', 4)];
    expect(splitByVersion(messages, new Map([['a', 2]]))).toEqual({ fresh: messages, duplicates: [], gaps: [] });
  });

  it('drops what was applied, and a repeat inside the batch', () => {
    const messages = [event('a', 1), event('a', 2), event('a', 2), event('a', 3)];
    const { fresh, duplicates } = splitByVersion(messages, new Map([['a', 1]]));
    expect(fresh).toEqual([event('a', 2), event('a', 3)]);
    expect(duplicates).toEqual([event('a', 1), event('a', 2)]);
  });

  it('reports the first hole of a stream and lets nothing of it through after that', () => {
    const { fresh, gaps } = splitByVersion([event('a', 1), event('a', 3), event('a', 4), event('b', 1)], new Map());
    expect(fresh).toEqual([event('a', 1), event('b', 1)]);
    expect(gaps).toEqual([{ streamId: 'a', expected: 2, received: 3 }]);
    expect(new GapError(gaps).message).toContain('a: expected 2, received 3');
  });

  it('applies every stream 1..n exactly once, however often and in whatever chunks its events arrive', () => {
    const stream = fc.constantFrom('a', 'b', 'c');
    const deliveries = fc.array(fc.tuple(stream, fc.integer({ min: 1, max: 5 })), { maxLength: 60 });
    fc.assert(
      fc.property(deliveries, fc.integer({ min: 1, max: 7 }), (pairs, chunk) => {
        const applied = new Map<string, number>();
        for (let from = 0; from < pairs.length; from += chunk) {
          const messages = pairs.slice(from, from + chunk).map(([streamId, version]) => event(streamId, version));
          const { fresh, duplicates, gaps } = splitByVersion(messages, applied);
          for (const { streamId, version } of fresh) {
            expect(version).toBe((applied.get(streamId) ?? 0) + 1);
            applied.set(streamId, version);
          }
          for (const { streamId, version } of duplicates) expect(version).toBeLessThanOrEqual(applied.get(streamId) ?? 0);
          for (const { expected, received } of gaps) expect(received).toBeGreaterThan(expected);
        }
      }),
      { seed: 7, numRuns: 300 },
    );
  });
});
