// Proves: no cluster id looks like an option of the storage tool.
import { expect, it } from 'vitest';
import { newClusterId } from './kafka.js';

it('gives cluster ids that begin with a letter, each another', () => {
  const ids = Array.from({ length: 2_000 }, newClusterId);
  expect(ids.filter((id) => !/^[A-Za-z][\w-]{21}$/.test(id))).toEqual([]);
  expect(new Set(ids).size).toBe(2_000);
});
