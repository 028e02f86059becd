// Proves: a diff names exactly what changed, equal states have none, and list items keep their identity when their place changes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { differences } from './state-diff.js';

describe('the differences of two states', () => {
  it('name what was added, removed and changed', () => {
    expect(differences({ status: 'placed', total: 5, gone: 1 }, { status: 'rejected', total: 5, reason: 'x' })).toEqual([
      { path: '/status', kind: 'changed', before: 'placed', after: 'rejected' },
      { path: '/gone', kind: 'removed', before: 1 },
      { path: '/reason', kind: 'added', after: 'x' },
    ]);
  });

  it('follow an item of a list by its identity', () => {
    const before = {
      reservations: [
        { orderId: 'a', quantity: 1 },
        { orderId: 'b', quantity: 2 },
      ],
    };
    const after = {
      reservations: [
        { orderId: 'b', quantity: 2 },
        { orderId: 'c', quantity: 3 },
      ],
    };
    expect(differences(before, after)).toEqual([
      { path: '/reservations/a', kind: 'removed', before: { orderId: 'a', quantity: 1 } },
      { path: '/reservations/c', kind: 'added', after: { orderId: 'c', quantity: 3 } },
    ]);
  });

  it('compare lists without identities by place', () => {
    expect(differences([1, 2], [1, 3, 4])).toEqual([
      { path: '/1', kind: 'changed', before: 2, after: 3 },
      { path: '/2', kind: 'added', after: 4 },
    ]);
  });

  it('escape a field as a JSON pointer does', () => {
    expect(differences({ 'a/b~c': 1 }, { 'a/b~c': 2 })).toMatchObject([{ path: '/a~1b~0c' }]);
  });

  it('are none between equal values', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(differences(value, structuredClone(value))).toEqual([]);
      }),
      { seed: 20101201, numRuns: 100 },
    );
  });
});
