/** Proves that a saga definition which could get stuck half way does not start. */
import { describe, expect, it } from 'vitest';
import { defineSaga, FULFILMENT_SAGA } from './saga-definition.js';

describe('a saga definition', () => {
  it('is accepted with its compensable steps first, one pivot, and retriable steps after', () => {
    expect(FULFILMENT_SAGA.map((step) => step.kind)).toEqual(['compensable', 'compensable', 'pivot', 'retriable']);
  });

  it.each([
    [
      'a compensable step after the pivot',
      [
        { step: 'a', kind: 'pivot' },
        { step: 'b', kind: 'compensable', undo: 'c' },
      ],
      /comes after the pivot/,
    ],
    [
      'a retriable step before the pivot',
      [
        { step: 'a', kind: 'retriable' },
        { step: 'b', kind: 'pivot' },
      ],
      /comes before the pivot/,
    ],
    ['no pivot', [{ step: 'a', kind: 'retriable' }], /exactly one pivot/],
  ] as const)('with %s is refused', (_what, steps, message) => {
    expect(() => defineSaga<string>(steps)).toThrow(message);
  });
});
