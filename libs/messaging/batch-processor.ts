import { setTimeout as sleep } from 'node:timers/promises';

import { convict, readEntry, sortEntries, type BatchEntry } from './batch-entries.js';
import type { BatchControl, BatchOutcome, IncomingBatch } from './broker.js';
import type { EventCodec } from './cloud-events.codec.js';
import { STREAM_PARKED, type DeadLetter } from './dead-letter.js';
import type { EventBatchHandler } from './event-batch.js';
import type { IncomingMessage } from './event-message.js';
import { asError, type MessagingLogger } from './messaging-logger.js';
import { ParkedStreams } from './parked-streams.js';
import { PoisonEventError } from './poison.js';
import { backoff, Stalls, type RetryPolicy } from './retry-schedule.js';
import { GapError } from './gap-error.js';

/** Where messages go that cannot be applied, as the processor sees it. */
export interface DeadLetterSink {
  parkedStreams(): Promise<ReadonlySet<string>>;
  /** Offsets among these messages (of one partition) that an operator discarded for good. */
  discarded(messages: readonly IncomingMessage[]): Promise<ReadonlySet<string>>;
  /**
   * Keeps all letters and parks the streams of the poison, or, when a stream that letters only wait for is not parked any more,
   * keeps none and answers those streams.
   */
  store(letters: readonly DeadLetter[]): Promise<readonly string[]>;
}

export interface BatchProcessorOptions {
  readonly groupId: string;
  readonly codec: EventCodec;
  handlerOf(topic: string): EventBatchHandler;
  readonly deadLetters: DeadLetterSink;
  readonly retry: RetryPolicy;
  /** Most messages a handler gets at once. */
  readonly maxBatchSize: number;
  readonly logger: MessagingLogger;
  onFatal(error: Error): void;
}

/**
 * What happens to a batch between the broker and the handler:
 * - poison goes to the dead letters before the offset moves, and parks its stream; later events of a parked stream follow it
 * - passing errors are tried again, in order, first on the spot, then with the partition paused; the offset does not move
 * - a gap is tried again the same way and ends in `onFatal` when it lasts
 * Nothing is skipped silently, and nothing overtakes inside a stream.
 */
export class BatchProcessor {
  readonly stalls = new Stalls();
  private readonly parked: ParkedStreams;
  private lastBatchAt: number | undefined;

  constructor(private readonly options: BatchProcessorOptions) {
    this.parked = new ParkedStreams(() => options.deadLetters.parkedStreams());
  }

  get parkedCount(): number {
    return this.parked.size;
  }

  get lastBatch(): string | null {
    return this.lastBatchAt === undefined ? null : new Date(this.lastBatchAt).toISOString();
  }

  /** Partitions changed hands: which streams of them are parked is known to whoever had them. */
  async reassigned(): Promise<void> {
    this.stalls.clear();
    this.parked.expire();
    await this.parked.refresh();
  }

  /** An operator released the stream through this process. */
  released(streamId: string): void {
    this.parked.delete(streamId);
  }

  async process(batch: IncomingBatch, control: BatchControl): Promise<BatchOutcome> {
    for (let from = 0; from < batch.messages.length; from += this.options.maxBatchSize) {
      const messages = batch.messages.slice(from, from + this.options.maxBatchSize);
      const entries = messages.map((message) => readEntry(message, this.options.codec));
      const outcome = await this.apply(batch, entries, control.signal);
      if (outcome !== 'done') return outcome;
      control.processed((entries.at(-1) as BatchEntry).message);
      if (control.signal.aborted) break;
    }
    return 'done';
  }

  /** Tries until it works, the consumer stops, or it is time to let the other partitions go on. */
  private async apply({ topic, partition }: IncomingBatch, entries: BatchEntry[], signal: AbortSignal): Promise<BatchOutcome> {
    const { retry, logger, groupId } = this.options;
    const onTheSpotUntil = performance.now() + retry.onTheSpotMs;
    while (!signal.aborted) {
      try {
        await this.attempt(topic, partition, entries);
        this.lastBatchAt = Date.now();
        const over = this.stalls.recover(topic, partition);
        if (over !== undefined) logger.info({ event: 'consumer.recovered', group: groupId, ...over });
        return 'done';
      } catch (thrown) {
        const error = asError(thrown);
        if (error instanceof PoisonEventError && convict(entries, error)) continue;
        const gap = error instanceof GapError;
        const stall = this.stalls.fail(topic, partition, error.message, gap);
        logger[gap ? 'error' : 'warn']({
          event: gap ? 'consumer.gap' : 'consumer.batch.failed',
          group: groupId,
          error: error.name,
          ...stall,
        });
        if (gap) this.judgeGap(error, stall.forMs);
        // What looks like a failure may come from a stream parked by another process.
        this.parked.expire();
        const wait = backoff(retry, stall.attempts);
        if (performance.now() + wait > onTheSpotUntil) return { retryInMs: wait };
        await sleep(wait, undefined, { signal }).catch(() => undefined);
      }
    }
    return { retryInMs: 0 };
  }

  private async attempt(topic: string, partition: number, entries: BatchEntry[]): Promise<void> {
    const { deadLetters, handlerOf, logger, groupId } = this.options;
    await this.parked.refresh();
    const { events, letters } = await this.sortOut(entries);
    if (events.length > 0) {
      const firstOffset = (entries[0] as BatchEntry).message.offset;
      const lastOffset = (entries.at(-1) as BatchEntry).message.offset;
      await handlerOf(topic)({ topic, partition, messages: events, firstOffset, lastOffset });
    }
    if (letters.length === 0) return;
    const released = await deadLetters.store(letters);
    if (released.length > 0) {
      released.forEach((streamId) => this.parked.delete(streamId));
      // The events before them were applied; the handler drops those as duplicates.
      return this.attempt(topic, partition, entries);
    }
    for (const { streamId, code, message } of letters) {
      if (streamId !== null) this.parked.add(streamId);
      const { offset } = message;
      const level = code === STREAM_PARKED ? 'info' : 'error';
      logger[level]({ event: 'consumer.dead-letter', group: groupId, topic, partition, offset, streamId, code });
    }
  }

  /**
   * What would become a letter may be one already that an operator discarded, be it poison or one that only waited: it is passed over.
   * Sorted again then, because what waited for it alone need not wait.
   */
  private async sortOut(entries: BatchEntry[]): Promise<ReturnType<typeof sortEntries>> {
    for (;;) {
      const sorted = sortEntries(entries, this.parked);
      if (sorted.letters.length === 0) return sorted;
      const discarded = await this.options.deadLetters.discarded(sorted.letters.map(({ message }) => message));
      if (discarded.size === 0) return sorted;
      for (const entry of entries.filter(({ message }) => discarded.has(message.offset))) {
        entry.discarded = true;
        const { topic, partition, offset } = entry.message;
        this.options.logger.info({ event: 'consumer.discarded-again', group: this.options.groupId, topic, partition, offset });
      }
    }
  }

  private judgeGap(error: GapError, forMs: number): void {
    if (forMs >= this.options.retry.gapFatalAfterMs) this.options.onFatal(error);
  }
}
