// Proves that a spelled-out pattern means what the original means, for every character of the basic plane that can be sent.
import { describe, expect, it } from 'vitest';
import { makePatternsPortable, portablePattern } from './portable-pattern.js';

const everyChar = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code)).filter((char) => !/\p{Cs}/u.test(char));

describe('portable patterns', () => {
  it.each([
    '^[^\\p{Cc}\\p{Cs}]$',
    '^\\s$',
    '^\\S$',
    '^[^\\s\\p{Cf}\\p{Zl}\\p{Zp}]$',
    '^\\d$',
    '^(order|stock)-[^\\p{Cc}\\p{Cs}]+@[1-9]\\d{0,8}$',
  ])('%s', (pattern) => {
    const [original, spelled] = [new RegExp(pattern, 'u'), new RegExp(portablePattern(pattern), 'u')];
    expect(everyChar.filter((char) => original.test(char) !== spelled.test(char))).toEqual([]);
    expect(portablePattern(pattern)).not.toMatch(/\\[psSd]/);
  });

  it('leaves everything else as it is', () => {
    expect(portablePattern('^a\\.b\\\\[x\\]y](?=z)$')).toBe('^a\\.b\\\\[x\\]y](?=z)$');
  });

  it('refuses what it cannot spell', () => {
    expect(() => portablePattern('\\p{L}')).toThrow('\\p{L}');
  });

  it('finds every pattern of a document', () => {
    const document = { a: [{ schema: { pattern: '^\\d$' } }], pattern: { type: 'string' } };
    makePatternsPortable(document);
    expect(document).toEqual({ a: [{ schema: { pattern: '^[0-9]$' } }], pattern: { type: 'string' } });
  });
});
