import { GapError, PoisonEventError } from '#messaging';
import type { Logger } from '#platform';
import { MissingStateError, ProjectionGapError, UnprojectableEventError, type Applied, type ProjectedEvent } from '#read-models/write';
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
 * whatever comes in together, or while a transaction runs, goes into the next one. The busier it gets, the fewer transactions an event costs.
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
    // The batches of one fetch come in one turn of the event loop. Were the first to go ahead alone, each fetch would cost two transactions.
    await new Promise(setImmediate);
    while (this.waiting.length > 0) {
      const batches = this.take();
      try {
        await this.commit(batches.flatMap(({ events }) => events));
        batches.forEach((batch) => batch.resolve());
      } catch (error) {
        if (batches.length > 1 && isSomeonesFault(error)) for (const batch of batches) await this.alone(batch);
        else await this.reject(batches, error);
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
      await this.reject([batch], error);
    }
  }

  private async commit(events: readonly ProjectedEvent[]): Promise<void> {
    const startedAt = performance.now();
    const applied = await this.options.live.apply(events);
    this.failure = undefined;
    this.options.onApplied?.(applied, performance.now() - startedAt);
  }

  private async reject(batches: readonly Waiting[], error: unknown): Promise<void> {
    const verdict = await this.verdict(
      error,
      batches.flatMap(({ events }) => events),
    );
    const reason = verdict instanceof Error ? verdict.message : String(verdict);
    this.failure = { at: new Date().toISOString(), reason };
    const { logger, live } = this.options;
    // Gaps and poison are logged by the consumer, which knows the partition. What the driver says of a data error quotes the data.
    const err = isDataError(error) ? new Error('the database refuses these events together, but none of them alone') : error;
    if (verdict === error) logger.error({ event: 'projector.batch.failed', projections: live.names, err });
    batches.forEach((batch) => batch.reject(verdict));
  }

  /** What the consumer should make of it: a gap, poison with its event's name, or (as it is) something that may heal. */
  private async verdict(error: unknown, events: readonly ProjectedEvent[]): Promise<unknown> {
    if (error instanceof ProjectionGapError) {
      return new GapError([{ streamId: error.streamId, expected: error.expectedVersion, received: error.actualVersion }]);
    }
    if (error instanceof UnprojectableEventError) return new PoisonEventError(nameOf(error.event), 'unprojectable', String(error.cause));
    if (!isDataError(error)) return error;
    try {
      const refused = await this.options.live.findRefused(events);
      if (refused === undefined) return error;
      return new PoisonEventError(nameOf(refused.event), 'refused-by-database', `SQLSTATE ${refused.sqlState}`);
    } catch (unexpected) {
      return unexpected;
    }
  }
}

/** Worth finding out whose: the other batches would have gone in. */
const isSomeonesFault = (error: unknown): boolean =>
  [ProjectionGapError, UnprojectableEventError, MissingStateError].some((type) => error instanceof type) || isDataError(error);

/** Without its data: errors are logged. */
const nameOf = ({ id, streamId, version, type }: ProjectedEvent) => ({ id, streamId, version, type });
