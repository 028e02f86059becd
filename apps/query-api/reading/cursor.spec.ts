// Proves: cursors come back as they went out, belong to one list, and anything else is refused by name.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isStorableText } from '#platform';
import { Cursors, InvalidCursorError } from './cursor.js';

const cursors = new Cursors({ list: 'orders', status: 'placed' }, ['instant', 'text', 'integer']);
const raw = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const genuine = cursors.encode(['2010-12-01T08:26:00.000123Z', 'o-1', 7]);
const fingerprint = JSON.parse(Buffer.from(genuine, 'base64url').toString())[0] as string;

describe('a cursor', () => {
  it('comes back as it went out', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
        fc.string({ unit: 'grapheme', maxLength: 60 }).filter(isStorableText),
        fc.maxSafeInteger(),
        (at, id, n) => {
          const keys = [at.toISOString(), id, n];
          expect(cursors.decode(cursors.encode(keys))).toEqual(keys);
        },
      ),
      { seed: 20101201, numRuns: 200 },
    );
  });

  it('cannot continue another list', () => {
    const other = new Cursors({ list: 'orders', status: 'confirmed' }, ['instant', 'text', 'integer']);
    expect(() => other.decode(genuine)).toThrow(expect.objectContaining({ problem: 'other-list' }));
  });

  it.each([
    ['an empty one', ''],
    ['plain words', 'next please'],
    ['base64 of no JSON', raw('{{{')],
    ['an object', raw({ a: 1 })],
    ['null', raw(null)],
    ['too few keys', raw([fingerprint, '2010-12-01T08:26:00Z'])],
    ['too many keys', raw([fingerprint, '2010-12-01T08:26:00Z', 'o', 1, 2])],
    ['a key of another kind', raw([fingerprint, '2010-12-01T08:26:00Z', 'o', '1'])],
    ['an instant that is none', raw([fingerprint, '2010-99-01T08:26:00Z', 'o', 1])],
    ['NUL', raw([fingerprint, '2010-12-01T08:26:00Z', 'o\0', 1])],
    ['a lone surrogate', raw([fingerprint, '2010-12-01T08:26:00Z', '\ud800', 1])],
    ['SQL for a key', raw([fingerprint, "'; DROP TABLE read.orders --", 'o', 1])],
    ['a huge one', 'A'.repeat(5_000)],
  ])('is refused when it is %s', (_name, text) => {
    expect(() => cursors.decode(text)).toThrow(InvalidCursorError);
  });
});
