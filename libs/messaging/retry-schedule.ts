export interface RetryPolicy {
  /** First wait, ms. */
  readonly initialMs: number;
  /** Each wait is this many times the one before. */
  readonly factor: number;
  readonly maxMs: number;
  /** A batch waits on the spot for so long in all; after that its partition is paused between tries and the others go on. ms. */
  readonly onTheSpotMs: number;
  /** How long a gap may last before the process is ended, ms. */
  readonly gapFatalAfterMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = { initialMs: 50, factor: 2, maxMs: 5_000, onTheSpotMs: 1_000, gapFatalAfterMs: 60_000 };

/** Wait before the next try, ms; `attempts` counts the failed ones. */
export function backoff({ initialMs, factor, maxMs }: RetryPolicy, attempts: number): number {
  return Math.min(maxMs, initialMs * factor ** Math.min(attempts - 1, 30));
}

/** A partition that does not get on. */
export interface Stall {
  readonly topic: string;
  readonly partition: number;
  /** ISO 8601, by the wall clock: for people. */
  readonly since: string;
  /** Milliseconds it has lasted, by a clock that does not jump: what decisions rest on. */
  readonly forMs: number;
  readonly attempts: number;
  readonly reason: string;
  /** Events are missing; waiting is unlikely to help. */
  readonly gap: boolean;
}

/** Which partitions are failing, since when and how often; survives between the tries of a batch, which may be minutes apart. */
export class Stalls {
  private readonly byPartition = new Map<string, { readonly stall: Omit<Stall, 'forMs'>; readonly from: number }>();

  fail(topic: string, partition: number, reason: string, gap = false): Stall {
    const key = `${topic}/${partition}`;
    const earlier = this.byPartition.get(key);
    const from = earlier?.from ?? performance.now();
    const since = earlier?.stall.since ?? new Date().toISOString();
    const stall = { topic, partition, since, attempts: (earlier?.stall.attempts ?? 0) + 1, reason, gap };
    this.byPartition.set(key, { stall, from });
    return lasting(stall, from);
  }

  /** Answers the stall that is over, if there was one. */
  recover(topic: string, partition: number): Stall | undefined {
    const key = `${topic}/${partition}`;
    const over = this.byPartition.get(key);
    this.byPartition.delete(key);
    return over && lasting(over.stall, over.from);
  }

  /** After a new assignment the failing partitions may be someone else's. */
  clear(): void {
    this.byPartition.clear();
  }

  list(): Stall[] {
    return [...this.byPartition.values()].map(({ stall, from }) => lasting(stall, from));
  }
}

const lasting = (stall: Omit<Stall, 'forMs'>, from: number): Stall => ({ ...stall, forMs: Math.round(performance.now() - from) });
