import { Worker } from 'node:worker_threads';
import type { SeedResult, Simulator } from './kernel/simulator.js';

/** Seeds a worker takes at a time: few enough that both end together, enough to make nothing of handing them out. */
const CHUNK = 100;

/** A seed leaves nothing behind: room enough to let most of it die young. */
const YOUNG_GENERATION_MB = 64;

/** What a worker is asked, and what it answers. */
export interface SeedRange {
  readonly simulator: string;
  readonly from: number;
  readonly count: number;
}

/** Of one range, or of many added up. */
export interface Tally {
  seeds: number;
  steps: number;
  readonly faults: Record<string, number>;
  readonly failures: SeedResult[];
}

export const emptyTally = (): Tally => ({ seeds: 0, steps: 0, faults: {}, failures: [] });

export function addTo(tally: Tally, other: Tally): void {
  tally.seeds += other.seeds;
  tally.steps += other.steps;
  for (const [name, count] of Object.entries(other.faults)) tally.faults[name] = (tally.faults[name] ?? 0) + count;
  tally.failures.push(...other.failures);
}

/** In this thread, one seed after the other. */
export async function runRange(simulator: Simulator, from: number, count: number): Promise<Tally> {
  const tally = emptyTally();
  for (let seed = from; seed < from + count; seed += 1) {
    const result = await simulator.simulate(seed);
    addTo(tally, { seeds: 1, steps: result.steps, faults: { ...result.faults }, failures: result.violations.length > 0 ? [result] : [] });
  }
  return tally;
}

export interface SpreadOptions {
  readonly simulator: string;
  readonly from: number;
  readonly count: number;
  readonly workers: number;
  /** Stop handing out seeds after so many failures. */
  readonly mostFailures: number;
  onProgress(tally: Tally): void;
}

/** Spread over worker threads. */
export async function runSpread({ simulator, from, count, workers, mostFailures, onProgress }: SpreadOptions): Promise<Tally> {
  const total = emptyTally();
  let next = from;
  const end = from + count;
  const work = (worker: Worker): Promise<void> =>
    new Promise((resolve, reject) => {
      const hand = (): void => {
        if (next >= end || total.failures.length >= mostFailures) return resolve();
        const range: SeedRange = { simulator, from: next, count: Math.min(CHUNK, end - next) };
        next += range.count;
        worker.postMessage(range);
      };
      worker.on('message', (tally: Tally) => {
        addTo(total, tally);
        onProgress(total);
        hand();
      });
      worker.once('error', reject);
      hand();
    });
  const threads = Array.from(
    { length: workers },
    () => new Worker(new URL('worker.js', import.meta.url), { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB } }),
  );
  try {
    await Promise.all(threads.map(work));
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
  return total;
}

/** The first of these seeds that fails; undefined when none does. */
export async function firstFailure(simulator: Simulator, from: number, count: number): Promise<SeedResult | undefined> {
  for (let seed = from; seed < from + count; seed += 1) {
    const result = await simulator.simulate(seed);
    if (result.violations.length > 0) return result;
  }
  return undefined;
}
