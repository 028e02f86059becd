import type { EventMessage } from './event-message.js';

/** What a handler gets: decoded events of one partition, in order, never empty. */
export interface EventBatch {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly EventMessage[];
  /** Offsets of the first and last message the batch was made from; messages that went to the dead letters are among them. */
  readonly firstOffset: string;
  readonly lastOffset: string;
}

/**
 * Applies a batch for good before it resolves: effects and checkpoint in one transaction, duplicates dropped by version.
 * - PoisonEventError: this event can never be applied; the rest comes again without it and its stream's later events
 * - GapError: events are missing; the partition stops
 * - anything else: passing; the same batch comes again after a while
 */
export type EventBatchHandler = (batch: EventBatch) => Promise<void>;
