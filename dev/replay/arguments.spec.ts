/** Proves that what is typed is understood or refused as a whole, with every problem told at once. */
import { describe, expect, it } from 'vitest';
import { replayArguments, UsageError } from './arguments.js';

describe('the command line', () => {
  it('needs a file only', () => {
    expect(replayArguments(['--file', 'a.csv'])).toEqual({
      file: 'a.csv',
      range: { from: null, to: null },
      concurrency: 32,
      report: null,
      allPaid: false,
      patienceMs: 180_000,
    });
  });

  it('takes all of this', () => {
    const args = [
      '--file',
      'a.csv.gz',
      '--from',
      '2010-12-01',
      '--to',
      '2010-12-07',
      '--concurrency',
      '8',
      '--report',
      'r.json',
      '--all-paid',
      '--patience',
      '5',
    ];
    expect(replayArguments(args)).toEqual({
      file: 'a.csv.gz',
      range: { from: '2010-12-01', to: '2010-12-07' },
      concurrency: 8,
      report: 'r.json',
      allPaid: true,
      patienceMs: 5_000,
    });
  });

  it('can ask for help', () => expect(replayArguments(['--help'])).toBe('help'));

  it('tells every problem at once', () => {
    const wrong = () => replayArguments(['--from', '2010-02-30', '--to', 'today', '--concurrency', '0']);
    expect(wrong).toThrow(UsageError);
    expect(wrong).toThrow(/--file is missing\n--from .*\n--to .*\n--concurrency /);
  });

  it.each([
    [['--file', 'a', '--from', '2010-12-02', '--to', '2010-12-01'], /lies after/],
    [['--file', 'a', '--speed', '9'], /--speed/],
    [['--file', 'a', 'b'], /positional/],
  ])('refuses %j', (args, message) => expect(() => replayArguments(args)).toThrow(message));
});
