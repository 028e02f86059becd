/** The plan of a run names every kill point there is, and nothing else. */
import { FAILPOINTS } from '#failpoints';
import { describe, expect, it } from 'vitest';
import { KILL_POINTS, kindOf, planOf } from './kill-points.js';
import { parseKillpointArguments } from './arguments.js';

describe('the plan', () => {
  it('hits every failpoint', () => {
    const planned = new Set(KILL_POINTS.flatMap(({ by }) => ('failpoint' in by ? [by.failpoint] : [])));
    expect(Object.keys(FAILPOINTS).filter((name) => !planned.has(name as keyof typeof FAILPOINTS))).toEqual([]);
  });

  it('hits every kill point as often as asked, and some in further ways', () => {
    const counts = new Map<string, number>();
    for (const hit of planOf(20)) counts.set(kindOf(hit), (counts.get(kindOf(hit)) ?? 0) + 1);
    for (const point of KILL_POINTS) {
      const main = point.actions.includes('exit') ? 'exit' : point.actions[0]!;
      expect(counts.get(kindOf({ point, action: main }))).toBe(20);
    }
    expect(counts.get('relay.sent throw')).toBe(10);
    expect(counts.get('command-api.before-commit stall')).toBe(10);
    expect(counts.get('projector.rebuild-swap stall')).toBe(10);
    expect(counts.get('gateway.slow stall')).toBe(20);
  });

  it('takes what is asked for by a part of its name', () => {
    expect(new Set(planOf(2, ['relay.sent', '.committed exit']).map(kindOf))).toEqual(
      new Set([
        ...['relay.sent exit', 'relay.sent throw', 'relay.sent stall'],
        ...['command-api.committed exit', 'projector.committed exit', 'orchestrator.committed exit'],
      ]),
    );
    expect(planOf(2, ['no such place'])).toEqual([]);
  });
});

describe('arguments', () => {
  it('have defaults', () => {
    expect(parseKillpointArguments([], 5)).toEqual({
      hits: 20,
      only: undefined,
      seed: 5,
      rate: 30,
      within: 25,
      report: undefined,
      keep: false,
    });
  });

  it.each([[['--hits', '0']], [['--seed', 'x']], [['--speed', '1']], [['more']]])('refuse %j', (args) => {
    expect(() => parseKillpointArguments(args)).toThrow();
  });
});
