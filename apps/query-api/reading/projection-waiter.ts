import type { ConsistencyToken } from './consistency-token.js';
import type { Source } from './projections.js';

/** Versions of streams that a source has applied; streams it does not know yet are absent. */
export type AppliedVersions = (source: Source, streamIds: readonly string[]) => Promise<ReadonlyMap<string, number>>;

/** A token that a source has not applied (yet). */
export interface Lack extends ConsistencyToken {
  readonly source: Source;
  readonly current: number;
}

export interface ProjectionWaiterOptions {
  readonly versions: AppliedVersions;
  /** Milliseconds between two looks. Default 15. */
  readonly pollMs?: number;
  /** Waiting requests at once; beyond that a request is told at once how far the source is. Default 1000. */
  readonly maxWaiting?: number;
}

interface Waiting {
  readonly source: Source;
  readonly token: ConsistencyToken;
  readonly deadline: number;
  current: number;
  settle(lack: Lack | undefined, error?: unknown): void;
}

/**
 * Waits until a source has applied a stream up to a version. However many requests wait, there is one look-up per source and tick,
 * and none at all while nobody waits.
 */
export class ProjectionWaiter {
  private readonly waiting = new Set<Waiting>();
  private timer: NodeJS.Timeout | undefined;
  private ended = false;

  constructor(private readonly options: ProjectionWaiterOptions) {}

  /** Number of requests that wait right now. */
  get size(): number {
    return this.waiting.size;
  }

  /** Whoever comes now is not waited for: too many wait already, or the process is stopping. */
  get full(): boolean {
    return this.ended || this.waiting.size >= (this.options.maxWaiting ?? 1_000);
  }

  /** Undefined once it is applied; what lacks when `waitMs` passed before, or when `signal` was aborted. */
  async wait(source: Source, token: ConsistencyToken, waitMs: number, signal?: AbortSignal): Promise<Lack | undefined> {
    const current = await this.look(source, token.streamId);
    const lack: Lack = { ...token, source, current };
    if (current >= token.version) return undefined;
    if (waitMs <= 0 || this.full || signal?.aborted === true) return lack;
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        source,
        token,
        deadline: performance.now() + waitMs,
        current,
        settle: (outcome, error) => {
          this.waiting.delete(waiting);
          signal?.removeEventListener('abort', onAbort);
          if (error === undefined) resolve(outcome);
          else reject(error);
        },
      };
      const onAbort = () => waiting.settle(lackOf(waiting));
      signal?.addEventListener('abort', onAbort);
      this.waiting.add(waiting);
      this.schedule();
    });
  }

  /** Everyone who waits is told how far their source is. */
  close(): void {
    this.ended = true;
    clearTimeout(this.timer);
    for (const waiting of [...this.waiting]) waiting.settle(lackOf(waiting));
  }

  private schedule(): void {
    this.timer ??= setTimeout(() => void this.tick(), this.options.pollMs ?? 15);
  }

  private async tick(): Promise<void> {
    const bySource = new Map<Source, Waiting[]>();
    for (const waiting of this.waiting) bySource.set(waiting.source, [...(bySource.get(waiting.source) ?? []), waiting]);
    await Promise.all(
      [...bySource].map(async ([source, group]) => {
        try {
          const versions = await this.options.versions(source, [...new Set(group.map(({ token }) => token.streamId))]);
          for (const waiting of group) this.judge(waiting, versions.get(waiting.token.streamId) ?? 0);
        } catch (error) {
          for (const waiting of group) waiting.settle(undefined, error);
        }
      }),
    );
    this.timer = undefined;
    if (this.waiting.size > 0) this.schedule();
  }

  private judge(waiting: Waiting, current: number): void {
    waiting.current = current;
    if (current >= waiting.token.version) waiting.settle(undefined);
    else if (performance.now() >= waiting.deadline) waiting.settle(lackOf(waiting));
  }

  private async look(source: Source, streamId: string): Promise<number> {
    return (await this.options.versions(source, [streamId])).get(streamId) ?? 0;
  }
}

const lackOf = ({ source, token, current }: Waiting): Lack => ({ ...token, source, current });
