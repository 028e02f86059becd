import type { EachBatchPayload } from 'kafkajs';
import { asError } from '../messaging-logger.js';

type CommitOffsets = EachBatchPayload['commitOffsetsIfNecessary'];

const INTERVAL_MS = 250;

/**
 * Offsets that are done but not committed yet. One commit for many batches: with dozens of partitions and small batches a commit each
 * would cost more than the work. What is lost with a crash is delivered again, and dropped as a duplicate.
 *
 * It commits through the running consumer's own call, which refuses an outdated membership; kafkajs's public `commitOffsets` retries
 * and might commit for partitions that others own by then.
 */
export class OffsetCommits {
  private readonly pending = new Map<string, Map<number, string>>();
  /** What was added last in this assignment, by `topic/partition`; it may be pending, on its way or committed. */
  private readonly newest = new Map<string, string>();
  private commit: CommitOffsets | undefined;
  private timer: NodeJS.Timeout | undefined;
  private lastFlushAt = -Infinity;

  constructor(private readonly onError: (error: Error) => void) {}

  through({ commitOffsetsIfNecessary }: EachBatchPayload): void {
    this.commit = commitOffsetsIfNecessary;
  }

  /** `offset` is that of the next message. */
  add(topic: string, partition: number, offset: string): void {
    const partitions = this.pending.get(topic) ?? new Map<number, string>();
    partitions.set(partition, offset);
    this.pending.set(topic, partitions);
    this.newest.set(`${topic}/${partition}`, offset);
    this.timer ??= setTimeout(() => void this.flush(), INTERVAL_MS);
  }

  forget(): void {
    this.pending.clear();
    this.newest.clear();
    this.disarm();
  }

  async flushIfDue(now: boolean): Promise<void> {
    if (now || performance.now() - this.lastFlushAt >= INTERVAL_MS) await this.flush();
  }

  /** Never rejects: what could not be committed is tried again until it is done or {@link forget forgotten}. */
  async flush(): Promise<void> {
    this.disarm();
    this.lastFlushAt = performance.now();
    if (this.commit === undefined || this.pending.size === 0) return;
    const taken = [...this.pending].map(([topic, partitions]) => ({
      topic,
      partitions: [...partitions].map(([partition, offset]) => ({ partition, offset })),
    }));
    this.pending.clear();
    try {
      await this.commit({ topics: taken });
    } catch (error) {
      this.onError(asError(error));
      this.putBack(taken);
    }
  }

  private putBack(taken: readonly { topic: string; partitions: readonly { partition: number; offset: string }[] }[]): void {
    for (const { topic, partitions } of taken) {
      for (const { partition, offset } of partitions) {
        // Behind a later commit, on its way or done, it would set the group back; after the assignment, a partition of others.
        if (this.newest.get(`${topic}/${partition}`) === offset) this.add(topic, partition, offset);
      }
    }
  }

  private disarm(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
