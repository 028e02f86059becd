// Proves: a token survives the round trip, and nothing but a token is taken for one.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatConsistencyToken, parseConsistencyToken } from './consistency-token.js';

describe('a consistency token', () => {
  it('names a stream and a version', () => {
    expect(parseConsistencyToken('order-7f0e@3')).toEqual({ streamId: 'order-7f0e', version: 3 });
  });

  it('takes the version after the last at sign', () => {
    expect(parseConsistencyToken('stock-A@B@12')).toEqual({ streamId: 'stock-A@B', version: 12 });
  });

  it.each([
    '',
    'order',
    'order-1',
    'order-1@',
    'order-1@0',
    'order-1@01',
    'order-1@-1',
    'order-1@1.5',
    'order-1@1e3',
    'cart-1@1',
    'order-@1',
    'order-1@9999999999',
    'order-a\u0000@1',
    'order-\ud800@1',
    ' order-1@1',
    'order-1@1 ',
    `order-${'x'.repeat(400)}@1`,
  ])('refuses %j', (text) => {
    expect(parseConsistencyToken(text)).toBeUndefined();
  });

  it('survives the round trip', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('order', 'stock', 'payment', 'fulfilment'),
        fc.stringMatching(/^[A-Za-z0-9@ .-]{1,40}$/),
        fc.integer({ min: 1, max: 999_999_999 }),
        (category, key, version) => {
          const token = { streamId: `${category}-${key}`, version };
          expect(parseConsistencyToken(formatConsistencyToken(token))).toEqual(token);
        },
      ),
      { seed: 20101201, numRuns: 200 },
    );
  });
});
