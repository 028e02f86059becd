import { kafkaJsInternals } from './kafkajs-internals.js';

/** The part of kafkajs's ConsumerGroup the patch relies on. */
interface ConsumerGroup {
  /** JoinGroup, then SyncGroup: at the start, when the group rebalances or has thrown us out, and when partitions are new or have moved. */
  joinAndSync(): Promise<void>;
  /** By the assignment there is, whatever became of the last join. */
  fetch(nodeId: number | string): Promise<unknown[]>;
}

interface KafkaJsErrors {
  readonly KafkaJSProtocolError: new (error: { type: string; code: number; retriable: boolean; message: string }) => Error;
}

/** On the methods we put there: kafkajs is loaded once a process, this module may be more often. */
const OURS = Symbol.for('tidemark.kafkajs.failed-join');

/**
 * kafkajs 2.2.4 forgets that a join has failed. When the connection is cut between JoinGroup and SyncGroup, it goes on fetching by the
 * assignment of the generation before: the broker answers its heartbeats, which name the new generation, and nobody reads what it was
 * newly assigned until the group rebalances for another reason. When the cut-off join was that of a member thrown out, it even goes on
 * as no member, without any heartbeat. So a join that has failed is tried again before anything is fetched, as Kafka's own client does.
 *
 * Not told by its events: none says that a join has failed, and heartbeats may come between the two answers of a healthy one.
 *
 * Throws when kafkajs is not the version this was written for.
 */
export function retryFailedJoins(): void {
  const require = kafkaJsInternals('failed-join');
  const { prototype } = require('kafkajs/src/consumer/consumerGroup') as { prototype: ConsumerGroup };
  if (OURS in prototype.joinAndSync) return;
  const { KafkaJSProtocolError } = require('kafkajs/src/errors') as KafkaJsErrors;
  const { joinAndSync, fetch } = prototype;
  const failed = new WeakSet<ConsumerGroup>();

  const remembered = async function (this: ConsumerGroup): Promise<void> {
    try {
      await joinAndSync.call(this);
    } catch (error) {
      failed.add(this);
      throw error;
    }
    failed.delete(this);
  };
  const refused = async function (this: ConsumerGroup, nodeId: number | string): Promise<unknown[]> {
    // The runner answers this error with another join, as the member it is: a follower's disturbs nobody.
    if (failed.has(this))
      throw new KafkaJSProtocolError({ type: 'REBALANCE_IN_PROGRESS', code: 27, retriable: false, message: 'The last join failed' });
    return await fetch.call(this, nodeId);
  };
  prototype.joinAndSync = Object.assign(remembered, { [OURS]: true });
  prototype.fetch = refused;
}
