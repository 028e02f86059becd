import type { Latency, Measure } from './contender.js';

/** What one contender did in all its rounds. */
export interface Result {
  readonly name: string;
  /** Of the rounds: the median, the lowest and the highest. */
  readonly perSecond: Spread;
  /** Medians of the rounds, milliseconds. */
  readonly latency?: Latency;
  /** Medians of the rounds. */
  readonly counts?: Readonly<Record<string, number>>;
}

export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

interface Runs {
  readonly name: string;
  round(load: unknown): Promise<Measure>;
}

type Between = (contender: string) => Promise<void>;

/**
 * The contenders take turns, round by round, each round in another order, so that all meet the same machine. The first round of each
 * only warms it up.
 */
export async function interleaved(contenders: readonly Runs[], rounds: number, load: unknown, between?: Between): Promise<Result[]> {
  const measures = await takeTurns(contenders, rounds + 1, load, between);
  return contenders.map(({ name }) => resultOf(name, measures.get(name)!.slice(1)));
}

/** The same of contenders that are warm, from a load much like this one. */
export async function interleavedWarm(contenders: readonly Runs[], rounds: number, load: unknown): Promise<Result[]> {
  const measures = await takeTurns(contenders, rounds, load);
  return contenders.map(({ name }) => resultOf(name, measures.get(name)!));
}

async function takeTurns(contenders: readonly Runs[], rounds: number, load: unknown, between?: Between): Promise<Map<string, Measure[]>> {
  const measures = new Map<string, Measure[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const shift = round % contenders.length;
    for (const contender of [...contenders.slice(shift), ...contenders.slice(0, shift)]) {
      await between?.(contender.name);
      measures.get(contender.name)!.push(await contender.round(load));
    }
  }
  return measures;
}

export function resultOf(name: string, measures: readonly Measure[]): Result {
  const counted = measures.map(({ counts }) => counts).filter((counts) => counts !== undefined);
  const latencies = measures.map(({ latency }) => latency).filter((latency) => latency !== undefined);
  return {
    name,
    perSecond: spreadOf(measures.map(({ perSecond }) => perSecond)),
    ...(latencies.length > 0 && {
      latency: { p50: spreadOf(latencies.map(({ p50 }) => p50)).median, p99: spreadOf(latencies.map(({ p99 }) => p99)).median },
    }),
    ...(counted[0] !== undefined && {
      counts: Object.fromEntries(Object.keys(counted[0]).map((key) => [key, spreadOf(counted.map((counts) => counts[key] ?? 0)).median])),
    }),
  };
}

export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error('nothing was measured');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, low: sorted[0]!, high: sorted.at(-1)! };
}
