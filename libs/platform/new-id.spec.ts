/** Ids are UUIDs of version 7, all different, and those of a later moment sort behind. */
import { validate, version } from 'uuid';
import { expect, it } from 'vitest';
import { newId } from './new-id.js';

it('makes ids that are all different, also when the drawn bytes run out', () => {
  const ids = Array.from({ length: 10_000 }, newId);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
  const times = ids.map((id) => Number.parseInt(id.replace('-', '').slice(0, 12), 16));
  expect(times.toSorted((a, b) => a - b)).toEqual(times);
  expect(Math.abs(times[0]! - Date.now())).toBeLessThan(60_000);
});
