import type { IncomingMessage, OutgoingMessage } from './event-message.js';

/** What became of one message of a send. */
export type SendVerdict =
  /** On the broker, all in-sync replicas. */
  | { readonly outcome: 'acknowledged' }
  /** Will never be accepted as it is (too large, malformed): poison. Never sent, or refused. */
  | { readonly outcome: 'rejected'; readonly code: 'too-large' | 'invalid'; readonly reason: string }
  /** Not sent, because an earlier message with its key was rejected in this same send: order within a key holds. */
  | { readonly outcome: 'held-back' }
  /** Not acknowledged for a passing reason; it may be on the broker or not. Send it again, in the same order. */
  | { readonly outcome: 'failed'; readonly error: Error };

/** Sends in order, one request outstanding at a time; concurrent callers queue. */
export interface BatchProducer {
  /** One verdict per message, by index. Rejects only when the producer was closed. */
  send(messages: readonly OutgoingMessage[]): Promise<SendVerdict[]>;
  /** Last known state of the connection; for readiness. */
  readonly connected: boolean;
  /** Lets the running send finish, then disconnects. */
  close(): Promise<void>;
}

/** Consecutive messages of one partition, in offset order; never empty. */
export interface IncomingBatch {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly IncomingMessage[];
  /** Offset that the next message of the partition will get; for lag. */
  readonly highWatermark: string;
}

export interface BatchControl {
  /** Everything up to and including this message is done for good; its offset will be committed. */
  processed(message: IncomingMessage): void;
  /** Aborted when the consumer stops or loses its partitions: return soon. */
  readonly signal: AbortSignal;
}

/**
 * - `done`: go on (what was not reported as processed is not committed; that is only right when the signal was aborted)
 * - `retryInMs`: stop this partition, go on with the others, and deliver again from the first unprocessed message after that time
 */
export type BatchOutcome = 'done' | { readonly retryInMs: number };

export interface ConsumerOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Where a group without committed offsets starts; default the beginning. */
  readonly from?: 'beginning' | 'end';
  /** Partitions handled at the same time; default 1. Within a partition it is always one batch after the other. */
  readonly partitionsConsumedConcurrently?: number;
  /** Upper bound for the bytes of one partition in one fetch; default 1 MiB. One larger message still gets through. */
  readonly maxBytesPerPartition?: number;
  /** How long a fetch waits for the first byte, ms; default 500. Also bounds how long stopping takes. */
  readonly maxWaitMs?: number;
  /** Silence after which the group gives our partitions to others, ms; default 6,000 (a broker's usual lower bound). */
  readonly sessionTimeoutMs?: number;
  /** Must not throw; if it does, that is logged and the batch is delivered again after a second. */
  onBatch(batch: IncomingBatch, control: BatchControl): Promise<BatchOutcome>;
  /** Partitions were (re)assigned; runs before the first batch of them. Rejecting delays the batches, it is tried again. */
  onAssigned?(): Promise<void>;
  /** The consumer cannot go on in this process. */
  onFatal(error: Error): void;
}

export interface ConsumerState {
  /** Member of the group, and fetching. */
  readonly joined: boolean;
  readonly assignedPartitions: number;
  /** Last sign of life from the broker (fetch or heartbeat), ISO 8601; null before the first. */
  readonly lastFetchAt: string | null;
}

export interface BatchConsumer {
  /** Resolves when the group was joined for the first time; keeps trying while the broker is away. */
  start(): Promise<void>;
  /** Finishes the running batches, commits, leaves the group. Bounded: about 2 s when the broker answers, 5 s when not. */
  stop(): Promise<void>;
  state(): ConsumerState;
}

export interface PartitionLag {
  readonly topic: string;
  readonly partition: number;
  /** Next offset the group will read; 0 when it never committed one. */
  readonly committed: number;
  readonly end: number;
  readonly lag: number;
}

export interface BrokerAdmin {
  /** Creates what is missing of the event topics and the dead-letter topic, and waits until each partition has a leader. */
  ensureTopics(): Promise<void>;
  /** End offset (that of the next message) by partition. */
  endOffsets(topic: string): Promise<Map<number, number>>;
  groupLag(groupId: string, topics?: readonly string[]): Promise<PartitionLag[]>;
  /** Moves a group that has no running member. */
  setGroupOffsets(groupId: string, topic: string, offsets: ReadonlyMap<number, number>): Promise<void>;
  deleteGroup(groupId: string): Promise<void>;
  close(): Promise<void>;
}

/** The message broker as far as we need it. Topic and group names are ours; the adapter adds the deployment's prefix. */
export interface Broker {
  createProducer(options?: { readonly maxMessageBytes?: number }): Promise<BatchProducer>;
  createConsumer(options: ConsumerOptions): BatchConsumer;
  /** Connects on first use; each call is a client of its own. */
  admin(): BrokerAdmin;
}
