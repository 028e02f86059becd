/** The small parts that decide whether a request is acceptable and whether two requests are the same command. */
import { describe, expect, it } from 'vitest';
import { parseBusinessTime } from './business-time.js';
import { fingerprintOf } from './fingerprint.js';
import { matches, parseIfMatch } from './if-match.js';

describe('a fingerprint', () => {
  const of = (body: unknown, method = 'POST', path = '/orders') => fingerprintOf(method, path, body);

  it('does not depend on the order of fields, at any depth', () => {
    expect(of({ a: 1, b: { c: [1, 2], d: null } })).toBe(of({ b: { d: null, c: [1, 2] }, a: 1 }));
  });

  it.each<[string, unknown, unknown]>([
    ['values', { a: 1 }, { a: 2 }],
    ['types', { a: 1 }, { a: '1' }],
    ['null and nothing', { a: null }, {}],
    ['the order of lists', [1, 2], [2, 1]],
    ['an object and its list of pairs', { a: 1 }, [['a', 1]]],
    ['an object and what stands for it inside', { a: 1 }, { fields: [['a', 1]] }],
    ['an empty object and an empty list', {}, []],
    ['names that look like numbers', { 1: 'a', 2: 'b' }, { 2: 'a', 1: 'b' }],
    ['a body and none', {}, undefined],
  ])('tells %s apart', (_what, one, other) => {
    expect(of(one)).not.toBe(of(other));
  });

  it('tells methods and paths apart', () => {
    expect(new Set([of({}), of({}, 'PUT'), of({}, 'POST', '/order'), of({}, 'POST', '/orders\n')]).size).toBe(4);
  });
});

describe('If-Match', () => {
  it.each<[string, number, boolean]>([
    ['*', 3, true],
    ['*', 0, false],
    ['"3"', 3, true],
    ['"3"', 4, false],
    ['"1", "3"', 3, true],
    ['"1","3"', 3, true],
    ['W/"3"', 3, false],
    ['"abc"', 3, false],
    ['"3,"', 3, false],
    ['""', 3, false],
    ['"03"', 3, false],
  ])('%s at version %i: %s', (header, version, expected) => {
    const parsed = parseIfMatch(header);
    expect(parsed !== undefined && matches(parsed, version)).toBe(expected);
  });

  it('that was not sent asks for nothing', () => {
    expect(parseIfMatch(undefined)).toBeUndefined();
  });

  it.each(['', '3', '"3', '"1" "3"', '"1",', '**', "'3'"])('refuses %j', (header) => {
    expect(() => parseIfMatch(header)).toThrow(expect.objectContaining({ code: 'header-invalid' }));
  });
});

describe('a business time', () => {
  const now = Date.parse('2026-11-21T12:00:00Z');
  it.each([
    ['2010-12-01T08:26:00Z', '2010-12-01T08:26:00.000Z'],
    ['2010-12-01T08:26Z', '2010-12-01T08:26:00.000Z'],
    ['2010-12-01T08:26:00.123456789+05:30', '2010-12-01T02:56:00.123Z'],
    ['2012-02-29T23:59:59-14:00', '2012-03-01T13:59:59.000Z'],
    ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00.000Z'],
    ['2026-11-22T12:00:00Z', '2026-11-22T12:00:00.000Z'],
  ])('%s is %s', (text, iso) => {
    expect(parseBusinessTime(text, now)?.toISOString()).toBe(iso);
  });

  it.each([
    '2026-11-22T12:00:00.001Z',
    '1969-12-31T23:59:59Z',
    '2011-02-29T00:00:00Z',
    '2010-04-31T00:00:00Z',
    '2010-00-01T00:00:00Z',
    '2010-12-00T00:00:00Z',
    '2010-12-01T08:60:00Z',
    '2010-12-01T08:26:60Z',
    '2010-12-01T08:26:00',
    '2010-12-01 08:26:00Z',
    '2010-12-01T08:26:00+15:00',
    '2010-12-01T08:26:00z',
    '20101201T082600Z',
    ' 2010-12-01T08:26:00Z',
    '2010-12-01T08:26:00Z\n',
  ])('%j is none', (text) => {
    expect(parseBusinessTime(text, now)).toBeUndefined();
  });
});
