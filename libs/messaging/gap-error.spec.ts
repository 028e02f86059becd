// Proves: a gap says how many streams have one, and what is missing in the first.
import { expect, it } from 'vitest';

import { GapError } from './gap-error.js';

it('names the first stream and what was expected there', () => {
  const gaps = [
    { streamId: 'order-a', expected: 2, received: 3 },
    { streamId: 'order-b', expected: 1, received: 7 },
  ];
  expect(new GapError(gaps).message).toBe('events are missing in 2 stream(s), e.g. order-a: expected 2, received 3');
});
