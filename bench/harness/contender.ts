/** One of those that are measured beside each other. It runs in a process of its own. */
export interface Contender<Load = unknown> {
  /** Works as told and says how it went; called many times. */
  round(load: Load): Promise<Measure>;
  close(): Promise<void>;
}

export interface Measure {
  /** Of whatever the row counts, each second. */
  readonly perSecond: number;
  /** Milliseconds each took. */
  readonly latency?: Latency;
  /** What else was counted, by name: conflicts, retries. */
  readonly counts?: Readonly<Record<string, number>>;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** What a contender's module exports as `open`; `settings` is what its row gives all contenders, as JSON. */
export type OpenContender<Settings, Load> = (settings: Settings) => Promise<Contender<Load>>;

/** @param times milliseconds; sorted in place. */
export function latencyOf(times: number[]): Latency {
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

/** `inFlight` callers, each waiting for its answer before it asks again, for so long. */
export async function closedLoop(inFlight: number, ms: number, ask: () => Promise<unknown>): Promise<Measure> {
  const times: number[] = [];
  const startedAt = performance.now();
  const endsAt = startedAt + ms;
  const caller = async (): Promise<void> => {
    while (performance.now() < endsAt) {
      const askedAt = performance.now();
      await ask();
      times.push(performance.now() - askedAt);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  const seconds = (performance.now() - startedAt) / 1_000;
  return { perSecond: times.length / seconds, latency: latencyOf(times) };
}
