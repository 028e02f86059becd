// Proves: a time parameter is a real instant or a real day, and a range does not run backwards.
import { ProblemError } from '#platform';
import { describe, expect, it } from 'vitest';
import { parseInstant, timeRange } from './instant.js';

describe('an instant', () => {
  it.each([
    ['2010-12-01', '2010-12-01T00:00:00.000Z'],
    ['2010-12-01T08:26Z', '2010-12-01T08:26:00.000Z'],
    ['2010-12-01T08:26:00.123Z', '2010-12-01T08:26:00.123Z'],
    ['2010-12-01T08:26:00+01:00', '2010-12-01T07:26:00.000Z'],
    ['2012-02-29', '2012-02-29T00:00:00.000Z'],
  ])('reads %s', (text, iso) => {
    expect(parseInstant(text)?.toISOString()).toBe(iso);
  });

  it.each([
    '',
    'now',
    '2010',
    '2010-12',
    '2010-13-01',
    '2010-02-30',
    '2011-02-29T00:00:00Z',
    '2010-12-01T08:26',
    '2010-12-01T25:00Z',
    '2010-12-01 08:26Z',
    '2010-12-01T08:26:00 01:00',
    '0000-01-01',
    '10000-01-01',
    '1291190400',
    "2010-12-01'--",
    ['2010-12-01', '2010-12-02'],
    undefined,
  ])('refuses %j', (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });

  it('refuses a range that runs backwards, and takes an empty one', () => {
    const [early, late] = [new Date('2010-12-01'), new Date('2010-12-02')];
    expect(() => timeRange(['from', 'to'], late, early)).toThrow(ProblemError);
    expect(timeRange(['from', 'to'], early, early)).toEqual({ from: early, to: early });
  });
});
