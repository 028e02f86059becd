// Proves: a rebuild may fail only while something else is broken, and may find a difference never.
import { describe, expect, it } from 'vitest';
import { defectOf } from './read-model.faults.js';

describe('a rebuild that did not end well', () => {
  it('is a defect when nothing else was broken', () => {
    expect(defectOf('orders', 'lock timeout', false)).toBe('the rebuild of orders failed, and nothing else was broken: lock timeout');
  });

  it('is left out when something else was', () => {
    expect(() => defectOf('orders', 'Connection terminated', true)).toThrow('beside another fault: Connection terminated');
  });

  it.each([false, true])('is a defect when the tables differ, disturbed or not (%s)', (disturbed) => {
    expect(defectOf('orders', 'orders: DIFFERENT', disturbed)).toBe('the rebuilt orders differ from the live ones: orders: DIFFERENT');
  });
});
