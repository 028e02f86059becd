// Proves: faults begin when their time has come, at most so many at once and never two on the same thing; each is healed whatever
// happens, and what was not recovered from, could not be injected or showed a defect is told.
import { describe, expect, it } from 'vitest';
import { FaultRunner, type FaultRunnerOptions } from './fault-runner.js';
import type { FaultKind, Injection } from './faults/fault.js';
import type { PlannedFault } from './schedule.js';

const HIT = { instances: [], stages: [] };
const plan = (kind: string, target: string, n: number, atMs = 0): PlannedFault => ({ n, kind, target, atMs, holdMs: 5, seed: n });

interface World {
  readonly log: string[];
  most: number;
}

function world(): { world: World; kind: (name: string, more?: Partial<FaultKind> & { injection?: Partial<Injection> }) => FaultKind } {
  const world: World = { log: [], most: 0 };
  let on = 0;
  return {
    world,
    kind: (name, { injection, ...more } = {}) => ({
      kind: name,
      targets: ['x', 'y'],
      holdMs: [0, 10],
      inject: async ({ target }) => {
        world.most = Math.max(world.most, (on += 1));
        world.log.push(`${name} ${target} on`);
        const heal = async (): Promise<void> => {
          on -= 1;
          world.log.push(`${name} ${target} off`);
        };
        return { heal, hit: HIT, ...injection };
      },
      ...more,
    }),
  };
}

function runner(kinds: readonly FaultKind[], more: Partial<FaultRunnerOptions> = {}): FaultRunner {
  return new FaultRunner({
    kinds,
    context: {} as FaultRunnerOptions['context'],
    recovery: { of: async () => Date.now() },
    say: () => undefined,
    recoveryDeadlineMs: 1_000,
    atOnce: 2,
    ...more,
  });
}

describe('carrying out a schedule', () => {
  it('never begins two on one thing, and lets nobody else wait for it', async () => {
    const { world: seen, kind } = world();
    const faults = runner([kind('a'), kind('b')]);
    await faults.run([plan('a', 'x', 1), plan('b', 'x', 2), plan('a', 'y', 3)], 60_000);
    expect(seen.log.filter((line) => line.endsWith('on'))).toEqual(['a x on', 'a y on', 'b x on']);
    expect(seen.log.indexOf('a x off')).toBeLessThan(seen.log.indexOf('b x on'));
    expect(faults.records.map(({ n }) => n).sort()).toEqual([1, 2, 3]);
  });

  it('begins each at its time', async () => {
    const { kind } = world();
    const faults = runner([kind('a')]);
    const beganAt = Date.now();
    await faults.run([plan('a', 'x', 1, 50), plan('a', 'y', 2, 150)], 60_000);
    const [first, second] = faults.records.map(({ startedAt }) => startedAt - beganAt);
    expect(first).toBeGreaterThanOrEqual(45);
    expect(second).toBeGreaterThanOrEqual(145);
  });

  it('begins nothing after the end', async () => {
    const { kind } = world();
    const faults = runner([kind('a', { holdMs: [0, 0] })], { atOnce: 1 });
    await faults.run([{ ...plan('a', 'x', 1), holdMs: 200 }, plan('a', 'y', 2)], 100);
    expect(faults.records.map(({ n }) => n)).toEqual([1]);
  });

  it('lets only so many be on at once', async () => {
    const { world: seen, kind } = world();
    const schedule = Array.from({ length: 6 }, (_, index) => plan('a', `t${index}`, index + 1));
    await runner([kind('a')], { atOnce: 2 }).run(schedule, 60_000);
    expect(seen.most).toBe(2);
  });

  it('keeps what a fault occupies for itself until everything has recovered', async () => {
    const { world: seen, kind } = world();
    const recovery = {
      of: async () => {
        seen.log.push('recovered');
        return Date.now();
      },
    };
    await runner([kind('a', { occupies: () => ['shared'] })], { recovery }).run([plan('a', 'x', 1), plan('a', 'y', 2)], 60_000);
    expect(seen.log).toEqual(['a x on', 'a x off', 'recovered', 'a y on', 'a y off', 'recovered']);
  });

  it('tells what was not recovered from', async () => {
    const { kind } = world();
    const faults = runner([kind('a')], { recovery: { of: async () => undefined } });
    await faults.run([plan('a', 'x', 1)], 60_000);
    expect(faults.records).toMatchObject([{ kind: 'a', target: 'x' }]);
    expect(faults.records[0]).not.toHaveProperty('recoveredAt');
    expect(faults.defects).toEqual(['#1 a (x): not recovered from within 1.0 s']);
  });

  it('goes on when a recovery cannot even be seen', async () => {
    const { kind } = world();
    const faults = runner([kind('a')], { atOnce: 1, recovery: { of: () => Promise.reject(new Error('no such relation')) } });
    await faults.run([plan('a', 'x', 1), plan('a', 'y', 2)], 60_000);
    expect(faults.records.map(({ n, recoveredAt }) => [n, recoveredAt])).toEqual([
      [1, undefined],
      [2, undefined],
    ]);
    expect(faults.defects).toContain('#1 a (x): its recovery could not be seen: no such relation');
  });

  it.each([
    ['fails every time', () => Promise.reject(new Error('not yet'))],
    ['never answers', () => new Promise<void>(() => undefined)],
  ])('goes on when the healing %s', async (_, heal) => {
    const { kind } = world();
    const faults = runner([kind('a', { injection: { heal } }), kind('b')], { atOnce: 1, healDeadlineMs: 40 });
    await faults.run([plan('a', 'x', 1), plan('b', 'y', 2)], 60_000);
    expect(faults.records.map(({ n, recoveredAt }) => [n, recoveredAt === undefined])).toEqual([
      [1, true],
      [2, false],
    ]);
    expect(faults.defects).toHaveLength(1);
    expect(faults.defects[0]).toMatch(/^#1 a \(x\): could not be healed: /);
  });

  it('leaves out what cannot be injected, and goes on', async () => {
    const { kind } = world();
    const broken = kind('broken', { inject: () => Promise.reject(new Error('no such thing')) });
    const faults = runner([broken, kind('a')]);
    await faults.run([plan('broken', 'x', 1), plan('a', 'x', 2)], 60_000);
    expect(faults.leftOut).toEqual([{ n: 1, kind: 'broken', target: 'x', why: 'no such thing' }]);
    expect(faults.records.map(({ n }) => n)).toEqual([2]);
  });

  it('does not count what was armed and never reached, however late that is known, and does not wait for it to recover', async () => {
    const { world: seen, kind } = world();
    let healed = false;
    const heal = async (): Promise<void> => void (healed = true);
    const armed = (wasReached: () => boolean) => kind('armed', { injection: { heal, note: 'relay.sent=exit', wasReached } });
    const recovery = { of: async () => seen.log.push('recovered') };
    const missed = runner([armed(() => !healed)], { recovery });
    await missed.run([plan('armed', 'x', 1)], 60_000);
    expect(missed.records).toEqual([]);
    const why = 'armed, not reached: relay.sent=exit';
    expect(missed.leftOut).toEqual([{ n: 1, kind: 'armed', target: 'x', why, notReached: true }]);
    expect(seen.log).not.toContain('recovered');
    const reached = runner([armed(() => healed)]);
    await reached.run([plan('armed', 'x', 1)], 60_000);
    expect([reached.records.length, reached.leftOut]).toEqual([1, []]);
  });

  it('tells a fault whether another one was on at any moment since it began', async () => {
    const { kind } = world();
    const had: [number, boolean][] = [];
    const slow = (name: string, ms: number) =>
      kind(name, {
        inject: async ({ hadCompany, target }) => {
          await new Promise((resolve) => setTimeout(resolve, ms));
          had.push([Number(target), hadCompany()]);
          return { hit: HIT };
        },
      });
    // The second comes and goes while the first is on; the third comes when both are over.
    const faults = runner([slow('long', 60), slow('short', 1)]);
    await faults.run([plan('long', '1', 1), plan('short', '2', 2, 10), plan('long', '3', 3, 200)], 60_000);
    expect(had).toEqual([
      [2, true],
      [1, true],
      [3, false],
    ]);
  });

  it('keeps the defects that were seen', async () => {
    const { kind } = world();
    const faults = runner([kind('a', { injection: { defect: 'tables differ' } })]);
    await faults.run([plan('a', 'x', 1)], 60_000);
    expect(faults.defects).toEqual(['#1 a (x): tables differ']);
  });

  it('heals what is on when it is ended, and begins nothing more', async () => {
    const { world: seen, kind } = world();
    const faults = runner([kind('a')]);
    const running = faults.run([{ ...plan('a', 'x', 1), holdMs: 60_000 }, plan('a', 'y', 2, 60_000)], 120_000);
    while (seen.log.length === 0) await new Promise((resolve) => setImmediate(resolve));
    faults.end();
    await running;
    expect(seen.log).toEqual(['a x on', 'a x off']);
  });

  it('tries to heal until it works', async () => {
    const { kind } = world();
    let tries = 0;
    const heal = async (): Promise<void> => {
      tries += 1;
      if (tries < 2) throw new Error('not yet');
    };
    const faults = runner([kind('a', { injection: { heal } })]);
    await faults.run([plan('a', 'x', 1)], 60_000);
    expect([tries, faults.records.length]).toEqual([2, 1]);
  });
});
