/** Proves that ids of events are valid, dated and different, also beyond one fetch of random bytes. */
import { validate, version } from 'uuid';
import { expect, it } from 'vitest';
import { newEventId } from './event-id.js';

it('a thousand ids are a thousand UUIDs of version 7', () => {
  const before = Date.now();
  const ids = Array.from({ length: 1_000 }, newEventId);
  expect(new Set(ids).size).toBe(1_000);
  expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
  const times = ids.map((id) => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16));
  expect(Math.min(...times)).toBeGreaterThanOrEqual(before);
  expect(Math.max(...times)).toBeLessThanOrEqual(Date.now());
});
