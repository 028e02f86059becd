// Proves the edge rules of texts and SKUs: what the database would refuse is refused here, and a SKU has one spelling.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCurrency } from './currency.js';
import { DomainError } from './domain-error.js';
import { MAX_SKU_LENGTH, normalizeSku, SKU_PATTERN } from './sku.js';
import { isStorableText, mendText } from './text.js';

const anyText = fc.string({ unit: 'binary', maxLength: 80 });
const brokenText = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 }).map((units) => String.fromCharCode(...units));

describe('text', () => {
  it('is storable unless it holds NUL or a lone surrogate', () => {
    expect(['', 'plain', '🎁', '\uFFFD', '\n\u0001'].every(isStorableText)).toBe(true);
    expect(['\0', 'a\0b', '\uD83C', '\uDF81\uD83C', 'x\uDC00'].some(isStorableText)).toBe(false);
  });

  it('is storable after mending, unchanged when it was before, and never too long', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, brokenText), (text) => {
        expect(isStorableText(mendText(text, 20))).toBe(true);
        expect(mendText(text, 20).length).toBeLessThanOrEqual(20);
        if (isStorableText(text)) expect(mendText(text)).toBe(text);
      }),
      { seed: 1 },
    );
  });

  it('is mended also where the cut splits a pair', () => {
    expect(mendText('ab🎁', 3)).toBe('ab\uFFFD');
  });
});

describe('a SKU', () => {
  it('is trimmed and in upper case', () => {
    expect(normalizeSku(' 85123a\t')).toBe('85123A');
  });

  const seen = ['85123A', ' 85123a\t', 'GIFT 🎁', 'CAFÉ/1%', '漢字', 'A@B', '१२'];
  const unseen = ['A\tB', 'A\nB', 'A\u007F', 'A\u0085B', 'A\u200BB', 'A\u00ADB', '\u202EA', 'A\uFEFFB', 'A\u2028B', '\u{E0041}'];

  it.each(seen)('may be %j, as its documented pattern says', (raw) => {
    expect(normalizeSku(raw)).toBe(raw.trim().toUpperCase());
    expect(raw).toMatch(new RegExp(SKU_PATTERN, 'u'));
  });

  it.each(['', '  ', 'a\0', 'a\uD800', ...unseen])('is not %j, as its documented pattern says', (raw) => {
    expect(() => normalizeSku(raw)).toThrow(DomainError);
    expect(raw).not.toMatch(new RegExp(SKU_PATTERN, 'u'));
  });

  it.each(['x'.repeat(MAX_SKU_LENGTH + 1)])('is not %j', (raw) => {
    expect(() => normalizeSku(raw)).toThrow(DomainError);
  });

  it('is a fixed point of its own normalisation', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, brokenText), (raw) => {
        let sku;
        try {
          sku = normalizeSku(raw);
        } catch (error) {
          expect(error).toMatchObject({ code: 'sku.invalid' });
          return;
        }
        expect(normalizeSku(sku)).toBe(sku);
      }),
      { seed: 1, numRuns: 1_000 },
    );
  });
});

it('knows currencies by their ISO 4217 code', () => {
  expect(['GBP', 'EUR', 'USD', 'JPY'].every(isCurrency)).toBe(true);
  expect(['gbp', 'XXX', 'XTS', 'XAU', 'HRK', ''].some(isCurrency)).toBe(false);
});
