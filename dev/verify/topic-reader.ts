import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Broker, IncomingBatch, IncomingMessage } from '#messaging';

/** Nothing has come for so long, milliseconds, though there should be more. */
const SILENCE_MS = 30_000;
const KIBIBYTE = 1024;

/**
 * Topics read once, from offset 0 to where they end when the reading begins. Through a consumer group of its own that is gone
 * afterwards; only as many records are in memory as one fetch brings. Each record is given once; of a partition in order.
 */
export class TopicReader {
  constructor(
    private readonly broker: Broker,
    private readonly topics: readonly string[],
  ) {}

  async *batches(): AsyncGenerator<readonly IncomingMessage[]> {
    const groupId = `verify-${randomUUID()}`;
    const admin = this.broker.admin();
    const left = await this.openEnds(admin);
    /** Offset after the last record taken, by partition. */
    const read = new Map<string, number>();
    const queue = new HandOver<IncomingBatch>();
    const consumer = this.broker.createConsumer({
      groupId,
      topics: this.topics,
      maxBytesPerPartition: 512 * KIBIBYTE,
      onBatch: async (batch, control) => {
        if (await queue.put(batch, control.signal)) control.processed(batch.messages.at(-1)!);
        return 'done';
      },
      onFatal: (error) => queue.fail(error),
    });
    try {
      if (left.size > 0) await consumer.start();
      while (left.size > 0) {
        const { topic, partition, messages, highWatermark } = await queue.take(SILENCE_MS);
        const place = `${topic}/${partition}`;
        // Thrown out of its group, a reader is given again what it had not committed: that is no second record.
        const before = read.get(place) ?? 0;
        const fresh = messages.filter(({ offset }) => Number(offset) >= before);
        if (fresh.length > 0) yield fresh;
        const end = left.get(place);
        // The last offset may be no record we are given (a transaction marker): the broker's own mark counts as well.
        const reached = Math.max(before, Number(messages.at(-1)!.offset) + 1);
        read.set(place, reached);
        if (end !== undefined && (reached >= end || reached >= Number(highWatermark))) left.delete(place);
      }
    } finally {
      queue.close();
      await consumer.stop();
      // Only housekeeping: an empty group is forgotten by the broker in the end.
      await admin.deleteGroup(groupId).catch(() => undefined);
      await admin.close();
    }
  }

  /** Where each partition ends that holds anything. */
  private async openEnds(admin: ReturnType<Broker['admin']>): Promise<Map<string, number>> {
    const ends = new Map<string, number>();
    for (const topic of this.topics) {
      for (const [partition, end] of await admin.endOffsets(topic)) if (end > 0) ends.set(`${topic}/${partition}`, end);
    }
    return ends;
  }
}

/** One item at a time from a producer that waits until it was taken. */
class HandOver<T> {
  private item: { value: T; taken: () => void } | undefined;
  private failure: Error | undefined;
  private closed = false;
  private wake = (): void => undefined;

  /** Whether it was taken; not when the signal came first. */
  async put(value: T, signal: AbortSignal): Promise<boolean> {
    if (this.closed || signal.aborted) return false;
    let giveUp = (): void => undefined;
    const wasTaken = await new Promise<boolean>((resolve) => {
      const item = { value, taken: () => resolve(true) };
      giveUp = () => {
        if (this.item === item) this.item = undefined;
        resolve(false);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.item = item;
      this.wake();
    });
    signal.removeEventListener('abort', giveUp);
    return wasTaken;
  }

  async take(withinMs: number): Promise<T> {
    const silence = new AbortController();
    const deadline = delay(withinMs, 'silent' as const, { signal: silence.signal }).catch(() => undefined);
    try {
      for (;;) {
        if (this.failure) throw this.failure;
        const { item } = this;
        if (item) {
          this.item = undefined;
          // Only now the next fetch is asked for, while this one is being worked on.
          item.taken();
          return item.value;
        }
        const arrived = new Promise<void>((resolve) => (this.wake = resolve));
        if ((await Promise.race([arrived, deadline])) === 'silent')
          throw new Error(`the topics gave nothing for ${withinMs / 1000} s before their end`);
      }
    } finally {
      silence.abort();
    }
  }

  fail(error: Error): void {
    this.failure = error;
    this.wake();
  }

  close(): void {
    this.closed = true;
    this.item?.taken();
  }
}
