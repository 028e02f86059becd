/** Proves that the kernel is deterministic, keeps virtual time for unchanged code, and forgets what a killed process was waiting for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { Kernel, type SimulatedProcess } from './kernel.js';

const forever = { until: () => false, withinMs: 3_600_000, maxSteps: 1_000 };

/** A few processes that sleep, ask a neighbour, and note in which order things happen. */
async function story(seed: number): Promise<{ hash: string; told: string[] }> {
  const kernel = new Kernel({ seed });
  const told: string[] = [];
  await kernel.inside(async () => {
    for (const name of ['a', 'b', 'c']) {
      kernel.spawn(name, () => {
        const live = async (): Promise<void> => {
          for (let i = 0; i < 5; i += 1) {
            await sleep(10);
            told.push(
              await kernel.request(
                `ask ${name}`,
                () => `${name}${i}`,
                () => kernel.random.below(30),
              ),
            );
          }
        };
        void live();
      });
    }
    await kernel.run(forever);
  });
  return { hash: kernel.trace.hash, told };
}

describe('the seed decides', () => {
  it('the same seed gives the same trace', async () => {
    const first = await story(7);
    await story(8);
    expect(await story(7)).toEqual(first);
    expect(first.told).toHaveLength(15);
  });

  it('other seeds give other orders', async () => {
    const stories = await Promise.all([1].map(story));
    for (let seed = 2; seed <= 20; seed += 1) stories.push(await story(seed));
    expect(new Set(stories.map(({ hash }) => hash)).size).toBe(20);
    expect(new Set(stories.map(({ told }) => told.join())).size).toBeGreaterThan(10);
  });
});

describe('virtual time', () => {
  it('passes in no time, for all clocks alike, and is given back', async () => {
    const realDate = Date;
    const before = Date.now();
    const kernel = new Kernel({ seed: 1, startAt: 1_000 });
    const seen: unknown[] = [];
    await kernel.inside(async () => {
      kernel.spawn('p', () => {
        const startedAt = performance.now();
        setTimeout(
          () => seen.push(Date.now() >= 3_601_000, new Date().getTime() === Date.now(), performance.now() - startedAt >= 3_600_000),
          3_600_000,
        );
      });
      await kernel.run({ ...forever, withinMs: 7_200_000 });
    });
    expect(seen).toEqual([true, true, true]);
    expect(Date).toBe(realDate);
    expect(Date.now() - before).toBeLessThan(5_000);
  });

  it('keeps the order of timers and immediates, and lets them be cancelled', async () => {
    const kernel = new Kernel({ seed: 3 });
    const seen: string[] = [];
    await kernel.inside(async () => {
      kernel.spawn('p', () => {
        setTimeout(() => seen.push('20'), 20);
        setTimeout(() => seen.push('10'), 10);
        setImmediate(() => seen.push('first'));
        setImmediate(() => seen.push('second'));
        const interval = setInterval(() => seen.push('tick') === 5 && clearInterval(interval), 8);
        clearTimeout(setTimeout(() => seen.push('never'), 5));
      });
      await kernel.run(forever);
    });
    expect(seen).toEqual(['first', 'second', 'tick', '10', 'tick', '20']);
  });

  it('a sleep is ended by its signal', async () => {
    const kernel = new Kernel({ seed: 3 });
    const seen: string[] = [];
    await kernel.inside(async () => {
      kernel.spawn('p', () => {
        const controller = new AbortController();
        sleep(1_000, undefined, { signal: controller.signal }).catch((error: Error) => seen.push(error.name));
        setTimeout(() => controller.abort(), 10);
      });
      await kernel.run(forever);
    });
    expect(seen).toEqual(['AbortError']);
  });
});

describe('processes', () => {
  const living = (kernel: Kernel, seen: string[]): SimulatedProcess =>
    kernel.spawn('p', () => {
      setInterval(() => seen.push('tick'), 10);
      void kernel
        .request(
          'ask',
          () => seen.push('asked'),
          () => 50,
        )
        .then(() => seen.push('answered'));
    });

  it('a killed one runs no more, but what it has sent arrives', async () => {
    const kernel = new Kernel({ seed: 5 });
    const seen: string[] = [];
    await kernel.inside(async () => {
      const process = living(kernel, seen);
      await kernel.run({ ...forever, until: () => seen.length >= 1 });
      kernel.kill(process);
      await kernel.run(forever);
    });
    expect(seen).toEqual(['tick', 'asked']);
  });

  it('a stopped one does all that is due when it goes on', async () => {
    const kernel = new Kernel({ seed: 5 });
    const seen: string[] = [];
    await kernel.inside(async () => {
      const process = living(kernel, seen);
      await kernel.run({ ...forever, maxSteps: 1 });
      kernel.stop(process);
      await kernel.run({ ...forever, withinMs: 1_000, maxSteps: 100 });
      expect(seen).toEqual(['asked']);
      kernel.continue(process);
      await kernel.run({ ...forever, maxSteps: 20 });
    });
    expect(seen).toContain('answered');
    expect(seen).toContain('tick');
  });

  it('an error that nobody handles ends the run and is kept', async () => {
    const kernel = new Kernel({ seed: 5 });
    await kernel.inside(async () => {
      kernel.spawn('p', () => {
        setTimeout(() => {
          throw new Error('boom');
        }, 10);
      });
      expect(await kernel.run(forever)).toBe('failed');
    });
    expect(kernel.failure).toMatchObject({ process: 'p', error: new Error('boom') });
  });
});

it('faults are drawn by weight, and only while there are any', async () => {
  const kernel = new Kernel({ seed: 9 });
  const fault = (name: string, weight: number) => ({ name, weight, inject: () => 'done' });
  await kernel.inside(async () => {
    kernel.spawn('p', () => void setInterval(() => undefined, 1));
    kernel.setFaults([fault('often', 9), fault('rarely', 1)], 0.5);
    await kernel.run({ ...forever, maxSteps: 500 });
    const before = new Map(kernel.injected);
    kernel.setFaults([], 0);
    await kernel.run({ ...forever, maxSteps: 500 });
    expect(kernel.injected).toEqual(before);
  });
  const [often = 0, rarely = 0] = ['often', 'rarely'].map((name) => kernel.injected.get(name));
  expect(often + rarely).toBeGreaterThan(200);
  expect(often).toBeGreaterThan(rarely * 4);
});
