// Proves that arrays sent in PostgreSQL's binary format arrive as those that pg sends as text, and that what cannot be sent fails first.
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/harness/index.js';
import { BinaryArray } from './binary-array.js';
import { testPool } from './testing/test-pool.js';

const RUNS = { numRuns: 60, seed: 7 };
const text = fc.string({ unit: 'grapheme', maxLength: 40 }).map((value) => value.replaceAll('\0', ''));
const time = fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true });
/** jsonb knows neither NUL nor half a pair. */
const json = fc.json({ stringUnit: 'grapheme' }).filter((value) => !/\\u(?:0000|d[89a-f])/i.test(value));

describe('a binary array', () => {
  let database: TestDatabase;
  let pool: pg.Pool;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = testPool(database.url, 1);
  });

  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  it.each([
    ['smallint', BinaryArray.smallints, fc.integer({ min: -32_768, max: 32_767 })],
    ['integer', BinaryArray.integers, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })],
    ['text', BinaryArray.texts, text],
    [
      'uuid',
      BinaryArray.uuids,
      fc.oneof(
        fc.uuid(),
        fc.uuid().map((id) => id.toUpperCase()),
      ),
    ],
    ['jsonb', BinaryArray.jsonbs, json],
    ['timestamptz', BinaryArray.times, time.map((value) => value.toISOString())],
  ] as const)('of %s is what pg makes of it as text', async (type, binary, value: fc.Arbitrary<unknown>) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 5, arbitrary: value }, fc.constantFrom(null, undefined)), { maxLength: 30 }),
        async (values) => {
          const { rows } = await pool.query(
            `SELECT $1::${type}[] IS NOT DISTINCT FROM $2::${type}[] AS same, cardinality($1::${type}[]) AS length`,
            [(binary as (given: unknown) => BinaryArray)(values), values],
          );
          expect(rows[0]).toMatchObject({ same: true, length: values.length });
        },
      ),
      RUNS,
    );
  });

  it('takes large values, and after them small ones', async () => {
    const values = [JSON.stringify('ü"\\'.repeat(22_000)), '{}', JSON.stringify('x'.repeat(3_000_000)), JSON.stringify('€'.repeat(65_536))];
    for (const sent of [values, ['1']]) {
      const { rows } = await pool.query('SELECT $1::jsonb[] = $2::jsonb[] AS same', [BinaryArray.jsonbs(sent), sent]);
      expect(rows).toEqual([{ same: true }]);
    }
  });

  it('keeps its bytes when others are made before it is sent', async () => {
    const [first, second] = [BinaryArray.texts(['first']), BinaryArray.texts(['other'])];
    const { rows } = await pool.query('SELECT $1::text[] AS first, $2::text[] AS second', [first, second]);
    expect(rows).toEqual([{ first: ['first'], second: ['other'] }]);
  });

  it.each([
    ['a UUID without hyphens', () => BinaryArray.uuids(['0190163d8694739bAEA5966C26F8AD91'])],
    ['a UUID that goes on', () => BinaryArray.uuids(['0190163d-8694-739b-aea5-966c26f8ad91-'])],
    ['a UUID with a letter too many', () => BinaryArray.uuids(['0190163g-8694-739b-aea5-966c26f8ad91'])],
    ['a UUID with a letter of elsewhere', () => BinaryArray.uuids(['0190163é-8694-739b-aea5-966c26f8ad91'])],
    ['a time without a zone', () => BinaryArray.times(['2010-12-01T08:26:00.000'])],
    ['a time that is none', () => BinaryArray.times(['tomorrowZ'])],
    ['an integer out of range', () => BinaryArray.integers([2 ** 31])],
    ['a smallint out of range', () => BinaryArray.smallints([2 ** 15])],
  ])('%s is refused before anything is sent', (_what, made) => {
    expect(made).toThrow();
  });
});
