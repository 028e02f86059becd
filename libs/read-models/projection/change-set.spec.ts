import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { customerSpendTable } from '../customers/customers.projection.js';
import { ChangeSet, change } from './change-set.js';

/** Proves: sums are exact however large they get, and the same however the changes are ordered or cut into batches. */
const spent = (spend: number) => change(customerSpendTable, { customerId: 'c', currency: 'GBP', confirmedOrders: 1, spend });

function spendOf(amounts: readonly number[]): unknown {
  const changes = new ChangeSet();
  for (const amount of amounts) changes.add(spent(amount));
  return (changes.rows(customerSpendTable)[0] as { spend: unknown }).spend;
}

describe('a sum', () => {
  it('is exact where doubles are not', () => {
    const most = Number.MAX_SAFE_INTEGER;
    expect(spendOf([most, most, most])).toBe(3n * BigInt(most));
    expect(spendOf([most, 1, 1])).toBe(BigInt(most) + 2n);
  });

  it('is a number again when it gets small again, in whatever order that happens', () => {
    const most = Number.MAX_SAFE_INTEGER;
    expect(spendOf([most, 1, 1, -most])).toBe(2);
    expect(spendOf([-most, most, 1, 1])).toBe(2);
  });

  it('is the same in any order', () => {
    const amount = fc.oneof(fc.maxSafeInteger(), fc.integer());
    const shuffled = fc
      .array(amount, { minLength: 1, maxLength: 12 })
      .chain((amounts) =>
        fc.tuple(fc.constant(amounts), fc.shuffledSubarray(amounts, { minLength: amounts.length, maxLength: amounts.length })),
      );
    fc.assert(
      fc.property(shuffled, ([amounts, otherwise]) => {
        expect(BigInt(spendOf(amounts) as number)).toBe(amounts.reduce((sum, each) => sum + BigInt(each), 0n));
        expect(spendOf(otherwise)).toBe(spendOf(amounts));
      }),
      { seed: 20101201, numRuns: 300 },
    );
  });

  it('of a damaged event stays no number, for the database to refuse', () => {
    expect(spendOf([1, Number.NaN])).toBeNaN();
  });
});
