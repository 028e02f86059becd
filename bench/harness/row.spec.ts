/** Proves that a goal is judged by the contender it names, and that what is printed says so. */
import { describe, expect, it } from 'vitest';
import { spreadOf } from './rounds.js';
import { atLeast, atMost, timesAsFast, told } from './row.js';
import { asMarkdown, asText } from './table.js';

const results = [
  { name: 'Tidemark', perSecond: spreadOf([900, 1_000, 1_100]), latency: { p50: 1.5, p99: 9 } },
  { name: 'other', perSecond: spreadOf([250]) },
];

describe('a goal', () => {
  it('compares with the contender it names', () => {
    expect(timesAsFast(results, 'other', 4)).toEqual({ wanted: '≥ 4 × other', measured: '4.00 ×', reached: true });
    expect(timesAsFast(results, 'other', 4.1).reached).toBe(false);
    expect(() => timesAsFast(results, 'nobody', 1)).toThrow('nobody was not measured');
  });

  it('compares a figure with what is wanted of it', () => {
    expect([atLeast(3, 3, 's').reached, atLeast(2.9, 3, 's').reached]).toEqual([true, false]);
    expect([atMost(3, 3, 's').reached, atMost(3.1, 3, 's').reached]).toEqual([true, false]);
    expect([told(12_345), told(12.34), told(0.123)]).toEqual(['12,345', '12.3', '0.12']);
  });
});

describe('the table', () => {
  const comparison = { what: 'appends', unit: 'appends', results, goals: [timesAsFast(results, 'other', 8)], notes: ['a note'] };

  it('says how many times as fast, and what was not reached', () => {
    expect(
      asText(comparison)
        .split('\n')
        .map((line) => line.trim().replaceAll(/\s+/g, ' ')),
    ).toEqual([
      'appends',
      'contender median low … high Tidemark is p50 p99',
      'Tidemark 1,000 appends/s 900 … 1,100 1.50 ms 9.00 ms',
      'other 250 appends/s 4.00 ×',
      '✗ ≥ 8 × other: 4.00 ×',
      '· a note',
    ]);
    expect(asMarkdown(comparison)).toContain('- ≥ 8 × other: 4.00 ×, **not reached**');
  });

  it('divides nothing by anything when the results are not of the same work', () => {
    expect(asText({ ...comparison, unit: 'MiB', unrelated: true })).not.toContain('Tidemark is');
  });
});
