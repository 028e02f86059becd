import { setTimeout as sleep } from 'node:timers/promises';

import type { Admin, Consumer, ConsumerConfig } from 'kafkajs';

import type { BrokerAdmin, PartitionLag } from '../broker.js';
import { DEAD_LETTER_TOPIC, PARTITIONS_PER_TOPIC, TOPICS, type BrokerNames } from '../topics.js';
import { isUnsettled } from './kafkajs-errors.js';

/** Dead letters carry the original bytes and their own headers on top, so they need room above the events' limit. */
const DEAD_LETTER_MAX_BYTES = 2_097_152;

const SETTLED_WITHIN_MS = 15_000;

export interface KafkaJsAdminOptions {
  createAdmin(): Admin;
  /** A consumer on a client of its own; only to move a group. */
  createConsumer(config: ConsumerConfig): Consumer;
  readonly names: BrokerNames;
  /** undefined: the broker's default. */
  readonly replicationFactor: number | undefined;
}

/** One kafkajs admin connection, opened on first use. */
export class KafkaJsAdmin implements BrokerAdmin {
  private connecting: Promise<Admin> | undefined;
  private readonly names: BrokerNames;

  constructor(private readonly options: KafkaJsAdminOptions) {
    this.names = options.names;
  }

  async ensureTopics(): Promise<void> {
    const admin = await this.connected();
    const existing = new Set(await admin.listTopics());
    const wanted = [...Object.values(TOPICS), DEAD_LETTER_TOPIC];
    const missing = wanted.filter((topic) => !existing.has(this.names.toBroker(topic)));
    if (missing.length > 0) {
      // Whoever loses a race for a topic is told "already exists", which kafkajs answers with false.
      await admin.createTopics({
        // kafkajs's own waiting gives up when the brokers have not all heard of the topic yet.
        waitForLeaders: false,
        timeout: 10_000,
        topics: missing.map((topic) => ({
          topic: this.names.toBroker(topic),
          numPartitions: PARTITIONS_PER_TOPIC,
          ...(this.options.replicationFactor === undefined ? {} : { replicationFactor: this.options.replicationFactor }),
          configEntries: this.settingsOf(topic),
        })),
      });
    }
    // Metadata names a leader before that leader knows of its partition; an answer about offsets is proof.
    for (const topic of wanted) await settled(() => admin.fetchTopicOffsets(this.names.toBroker(topic)));
  }

  async endOffsets(topic: string): Promise<Map<number, number>> {
    const admin = await this.connected();
    const offsets = await settled(() => admin.fetchTopicOffsets(this.names.toBroker(topic)));
    return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
  }

  async groupLag(groupId: string, topics: readonly string[] = Object.values(TOPICS)): Promise<PartitionLag[]> {
    const admin = await this.connected();
    const group = { groupId: this.names.group(groupId), topics: topics.map((topic) => this.names.toBroker(topic)) };
    const committed = await settled(() => admin.fetchOffsets(group));
    const lags: PartitionLag[] = [];
    for (const { topic, partitions } of committed) {
      const name = this.names.fromBroker(topic);
      const ends = await this.endOffsets(name);
      for (const { partition, offset } of partitions) {
        const position = Math.max(0, Number(offset));
        const end = ends.get(partition) ?? 0;
        lags.push({ topic: name, partition, committed: position, end, lag: Math.max(0, end - position) });
      }
    }
    return lags;
  }

  /** kafkajs's own `setOffsets` does the same and takes five seconds for it. */
  async setGroupOffsets(groupId: string, topic: string, offsets: ReadonlyMap<number, number>): Promise<void> {
    const group = this.names.group(groupId);
    const admin = await this.connected();
    const { groups } = await settled(() => admin.describeGroups([group]));
    const state = groups[0]?.state ?? 'Dead';
    if (state !== 'Empty' && state !== 'Dead') throw new Error(`group ${group} has running members (${state}): stop them before moving it`);
    const consumer = this.options.createConsumer({ groupId: group, maxWaitTimeInMs: 50 });
    const name = this.names.toBroker(topic);
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [name], fromBeginning: true });
      const moved = new Promise<void>((resolve, reject) => {
        // The first fetch may have begun before the seeks below.
        let fetches = 0;
        consumer.on(consumer.events.FETCH, () => {
          fetches += 1;
          if (fetches === 2) resolve();
        });
        consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
      });
      await consumer.run({ eachBatchAutoResolve: false, eachBatch: () => Promise.resolve() });
      consumer.pause([{ topic: name }]);
      // With auto-commit on, a seek commits the offset before the first fetch.
      for (const [partition, offset] of offsets) consumer.seek({ topic: name, partition, offset: String(offset) });
      await moved;
    } finally {
      await consumer.disconnect();
    }
  }

  async deleteGroup(groupId: string): Promise<void> {
    const admin = await this.connected();
    await admin.deleteGroups([this.names.group(groupId)]);
  }

  async close(): Promise<void> {
    const connecting = this.connecting;
    this.connecting = undefined;
    await (await connecting?.catch(() => undefined))?.disconnect();
  }

  private settingsOf(topic: string): { name: string; value: string }[] {
    return [
      // The topic is replayed from its beginning by new consumers and by verification.
      { name: 'retention.ms', value: '-1' },
      // The broker's clock: it refuses records of a producer whose clock runs more than an hour ahead.
      { name: 'message.timestamp.type', value: 'LogAppendTime' },
      ...(topic === DEAD_LETTER_TOPIC ? [{ name: 'max.message.bytes', value: String(DEAD_LETTER_MAX_BYTES) }] : []),
    ];
  }

  private connected(): Promise<Admin> {
    this.connecting ??= this.connect();
    return this.connecting;
  }

  private async connect(): Promise<Admin> {
    const admin = this.options.createAdmin();
    try {
      await admin.connect();
      return admin;
    } catch (error) {
      this.connecting = undefined;
      throw error;
    }
  }
}

async function settled<T>(ask: () => Promise<T>): Promise<T> {
  for (const giveUpAt = performance.now() + SETTLED_WITHIN_MS; ; await sleep(50)) {
    try {
      return await ask();
    } catch (error) {
      if (!isUnsettled(error) || performance.now() > giveUpAt) throw error;
    }
  }
}
