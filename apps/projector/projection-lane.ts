import { GapError, PoisonEventError } from '#messaging';
import type { Logger } from '#platform';
import { ProjectionGapError, UnprojectableEventError, type Applied, type ProjectedEvent } from '#read-models';
import { isDataError, type LiveProjections } from './live-projections.js';

/** Most events that are merged into one transaction; a batch that is larger alone still goes in whole. */
const MAX_EVENTS = 5_000;

export interface LaneOptions {
  readonly live: Pick<LiveProjections, 'apply' | 'findRefused' | 'names'>;
  readonly logger: Logger;
  readonly onApplied?: (applied: Applied, durationMs: number) => void;
}

interface Waiting {
  readonly events: readonly ProjectedEvent[];
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * One writer for all partitions of a topic. Their batches meet in the same rows, so they could not be applied at the same time anyway:
 * whatever has come in while a transaction ran goes into the next one together. The busier it gets, the fewer transactions an event costs.
 * When a merged transaction fails, its batches are applied one by one, so that only the guilty partition hears of it.
 */
export class ProjectionLane {
  private waiting: Waiting[] = [];
  private running = false;
  private failure: { at: string; reason: string } | undefined;

  constructor(private readonly options: LaneOptions) {}

  /** The last thing that went wrong, until something goes well again. */
  get lastFailure(): { readonly at: string; readonly reason: string } | undefined {
    return this.failure;
  }

  /**
   * Resolves when the events are committed.
   * @throws GapError versions are missing before one of them
   * @throws PoisonEventError one of them can never be applied
   */
  apply(events: readonly ProjectedEvent[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ events, resolve, reject });
      if (!this.running) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.running = true;
    while (this.waiting.length > 0) {
      const batches = this.take();
      try {
        await this.commit(batches.flatMap(({ events }) => events));
        batches.forEach((batch) => batch.resolve());
      } catch (error) {
        if (batches.length === 1) batches[0]!.reject(await this.judge(error, batches[0]!.events));
        else for (const batch of batches) await this.alone(batch);
      }
    }
    this.running = false;
  }

  private take(): Waiting[] {
    let events = 0;
    const end = this.waiting.findIndex((batch) => (events += batch.events.length) > MAX_EVENTS);
    return this.waiting.splice(0, end === -1 ? this.waiting.length : Math.max(1, end));
  }

  private async alone(batch: Waiting): Promise<void> {
    try {
      await this.commit(batch.events);
      batch.resolve();
    } catch (error) {
      batch.reject(await this.judge(error, batch.events));
    }
  }

  private async commit(events: readonly ProjectedEvent[]): Promise<void> {
    const startedAt = performance.now();
    const applied = await this.options.live.apply(events);
    this.failure = undefined;
    this.options.onApplied?.(applied, performance.now() - startedAt);
  }

  /** What the consumer should make of it: a gap, poison with its event's name, or (as it is) something that may heal. */
  private async judge(error: unknown, events: readonly ProjectedEvent[]): Promise<unknown> {
    const verdict = await this.verdict(error, events);
    this.failure = { at: new Date().toISOString(), reason: verdict instanceof Error ? verdict.message : String(verdict) };
    this.options.logger.error({
      event: 'projector.batch.failed',
      projections: this.options.live.names,
      events: events.length,
      err: verdict,
    });
    return verdict;
  }

  private async verdict(error: unknown, events: readonly ProjectedEvent[]): Promise<unknown> {
    if (error instanceof ProjectionGapError) {
      return new GapError([{ streamId: error.streamId, expected: error.expectedVersion, received: error.actualVersion }]);
    }
    if (error instanceof UnprojectableEventError) return new PoisonEventError(error.event, 'unprojectable', String(error.cause));
    if (!isDataError(error)) return error;
    try {
      const refused = await this.options.live.findRefused(events);
      return refused === undefined ? error : new PoisonEventError(refused.event, 'refused-by-database', refused.error.message);
    } catch (unexpected) {
      return unexpected;
    }
  }
}
