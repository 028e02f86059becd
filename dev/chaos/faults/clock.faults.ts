import { DOUBLED_APPS, instanceNamed } from '../stack/instance.js';
import { EVERYTHING } from '../stack/recovery.js';
import type { FaultKind } from './fault.js';

const THREE_HOURS_S = 3 * 3_600;

/** The wall clock of one process jumps and, in the end, jumps back; half of the processes have a clock that can. */
const clockJump = (kind: string, offsetS: number): FaultKind => ({
  kind,
  targets: DOUBLED_APPS.map((app) => `${app}-2`),
  holdMs: [3_000, 9_000],
  weight: 2,
  needs: 'clock',
  async inject({ stack, target }) {
    const clock = stack.clockOf(target);
    clock.set(offsetS);
    return {
      heal: async () => clock.set(0),
      hit: { instances: [instanceNamed(target)], stages: EVERYTHING },
    };
  },
});

export const clockFaults: readonly FaultKind[] = [
  clockJump('clock 3 h ahead', THREE_HOURS_S),
  clockJump('clock 3 h behind', -THREE_HOURS_S),
];
