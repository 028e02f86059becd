// What happens when in a fault run follows from its seed alone, and every kind gets its turn.
import { describe, expect, it } from 'vitest';
import { FAULT_KINDS } from './faults/fault-kinds.js';
import { plannedInTime, scheduleOf } from './schedule.js';

const HOUR_MS = 3_600_000;
const options = { forMs: HOUR_MS, kinds: FAULT_KINDS, gapMs: [8_000, 12_000] as const };

describe('the schedule of faults', () => {
  it('is the same for the same seed', () => {
    expect(scheduleOf({ ...options, seed: 7 })).toEqual(scheduleOf({ ...options, seed: 7 }));
  });

  it('is another one for another seed', () => {
    expect(scheduleOf({ ...options, seed: 7 })).not.toEqual(scheduleOf({ ...options, seed: 8 }));
  });

  it('begins the same however long the run is', () => {
    const short = scheduleOf({ ...options, seed: 7, forMs: 120_000 });
    expect(scheduleOf({ ...options, seed: 7 }).slice(0, short.length)).toEqual(short);
  });

  it('has at least 300 faults of every kind there is in an hour', () => {
    const planned = scheduleOf({ ...options, seed: 1 });
    expect(planned.length).toBeGreaterThanOrEqual(300);
    expect(new Set(planned.map(({ kind }) => kind))).toEqual(new Set(FAULT_KINDS.map(({ kind }) => kind)));
  });

  it('names only targets and times that the kind allows', () => {
    for (const { kind: name, target, holdMs } of scheduleOf({ ...options, seed: 3 })) {
      const kind = FAULT_KINDS.find(({ kind }) => kind === name)!;
      expect(kind.targets).toContain(target);
      expect(holdMs).toBeGreaterThanOrEqual(kind.holdMs[0]);
      expect(holdMs).toBeLessThanOrEqual(kind.holdMs[1]);
    }
  });

  it('counts by kind what comes while there is still room for it', () => {
    const planned = scheduleOf({ ...options, seed: 1 });
    const counts = plannedInTime(planned, HOUR_MS);
    expect(Object.values(counts).reduce((sum, each) => sum + each, 0)).toBe(planned.filter(({ atMs }) => atMs <= HOUR_MS - 120_000).length);
    expect(plannedInTime(planned.slice(0, 1), 130_000)).toEqual({ [planned[0]!.kind]: 1 });
    expect(plannedInTime(planned.slice(0, 1), 120_000)).toEqual({});
  });

  it('plans nothing without kinds', () => {
    expect(scheduleOf({ ...options, kinds: [], seed: 1 })).toEqual([]);
  });
});
