/** Proves that a record of the file is read digit by digit, and that what makes no sense is named instead of guessed. */
import { describe, expect, it } from 'vitest';
import { instantOf, penceOf, readRow } from './retail-row.js';

const FIELDS = ['536365', '85123a ', ' WHITE HEART ', '6', '2010-12-01 08:26:00', '2.55', '17850.0', 'United Kingdom'];
const rowWith = (index: number, value: string) => readRow(FIELDS.with(index, value), 2);

describe('a price', () => {
  it.each([
    ['2.55', 255],
    ['0.85', 85],
    ['18.0', 1800],
    ['7', 700],
    ['1.1', 110],
    ['0.290', 29],
    // Each of these is off by a penny when it is multiplied as a float and cut.
    ['4.35', 435],
    ['1.15', 115],
    ['11062.06', 1_106_206],
  ])('%s is %i pence', (text, pence) => expect(penceOf(text)).toBe(pence));

  it.each([
    ['0.001', 'price-not-in-pence'],
    ['4.955', 'price-not-in-pence'],
    ['-0.01', 'negative-price'],
    ['-11062.06', 'negative-price'],
    ['', 'bad-price'],
    ['1e-3', 'bad-price'],
    ['2,55', 'bad-price'],
    ['NaN', 'bad-price'],
  ])('%s is refused: %s', (text, problem) => expect(penceOf(text)).toBe(problem));
});

describe('a date', () => {
  it('is read as UTC', () => expect(instantOf('2010-12-01 08:26:00')).toBe('2010-12-01T08:26:00Z'));
  it.each(['2010-02-30 08:00:00', '2010-12-01', '2010-12-01 25:00:00', '', '01/12/2010 08:26'])('%j is none', (text) =>
    expect(instantOf(text)).toBeUndefined(),
  );
});

describe('a row', () => {
  it('is trimmed, its code in capitals, its customer a plain number', () => {
    expect(readRow(FIELDS, 2)).toEqual({
      line: 2,
      invoice: '536365',
      kind: 'sale',
      code: '85123A',
      description: 'WHITE HEART',
      quantity: 6,
      at: '2010-12-01T08:26:00Z',
      pence: 255,
      price: '2.55',
      customerId: '17850',
      country: 'United Kingdom',
      problem: null,
    });
  });

  it('may have no customer', () => expect(rowWith(6, '')).toMatchObject({ customerId: null, problem: null }));
  it('names the same price the same, however it is written', () => {
    expect([rowWith(5, '2.50').price, rowWith(5, '2.5').price, rowWith(5, '2.0').price, rowWith(5, '20').price]).toEqual([
      '2.5',
      '2.5',
      '2',
      '20',
    ]);
  });

  it.each([
    [0, 'A563185', 'unknown-invoice-kind'],
    [0, '', 'unknown-invoice-kind'],
    [1, ' ', 'no-stock-code'],
    [3, 'two', 'bad-quantity'],
    [3, '0', 'bad-quantity'],
    [3, '1.5', 'bad-quantity'],
    [4, '2010-13-01 08:26:00', 'bad-date'],
    [5, 'free', 'bad-price'],
    [5, '0.125', 'price-not-in-pence'],
    [6, 'x17', 'bad-customer'],
  ] as const)('with field %i as %j has the problem %s', (index, value, problem) => expect(rowWith(index, value).problem).toBe(problem));

  it('with a field too few or too many has a problem', () => {
    expect(readRow(FIELDS.slice(1), 2).problem).toBe('wrong-number-of-fields');
    expect(readRow([...FIELDS, 'more'], 2).problem).toBe('wrong-number-of-fields');
  });
});
