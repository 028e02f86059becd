import { randomUUID } from 'node:crypto';
import { BrokerNames } from '#messaging';
import type { Batch, Consumer, IHeaders, KafkaMessage, Message } from 'kafkajs';
import type { ChaosStack } from './chaos-stack.js';
import { kafkaOf, orderedProducer, POISON_MARK, type EventTopic } from './topic-writer.js';

const SILENCE_MS = 20_000;

/** Offsets of one partition, the end not included. */
export interface OffsetRange {
  readonly from: number;
  readonly end: number;
}

/** A window in which every record is delivered more than once. */
export interface Repetition {
  /** Records that came, and what was added to them. */
  readonly counts: { records: number; copies: number };
  stop(): Promise<void>;
}

/** Publishes once more what lies on a topic, same bytes: each a duplicate. Past the proxies; a broker that is away makes it throw. */
export class TopicRepeater {
  private readonly kafka: ReturnType<typeof kafkaOf>;
  private readonly names: BrokerNames;

  constructor({ kafkaBrokers, topicPrefix }: Pick<ChaosStack, 'kafkaBrokers'> & { readonly topicPrefix: string }) {
    this.names = new BrokerNames(topicPrefix);
    this.kafka = kafkaOf({ kafkaBrokers });
  }

  /** What lies in these ranges of these partitions, in the order of each. Answers how many records. */
  async republish(topic: EventTopic, ranges: ReadonlyMap<number, OffsetRange>): Promise<number> {
    const open = new Map([...ranges].filter(([, { from, end }]) => from < end));
    if (open.size === 0) return 0;
    let republished = 0;
    await this.repeating(topic, { fromBeginning: true }, async (name, consumer, send) => {
      await new Promise<void>((resolve, reject) => {
        const silent = (): NodeJS.Timeout => setTimeout(() => reject(new Error('the topic gave no more')), SILENCE_MS);
        let watchdog = silent();
        consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
        consumer.on(consumer.events.GROUP_JOIN, () => {
          consumer.pause([{ topic: name, partitions: [...Array(64).keys()].filter((each) => !open.has(each)) }]);
          for (const [partition, { from }] of open) consumer.seek({ topic: name, partition, offset: String(from) });
        });
        const eachBatch = async ({ batch }: { batch: Batch }): Promise<void> => {
          const range = open.get(batch.partition);
          if (range === undefined) return;
          clearTimeout(watchdog);
          const messages = batch.messages.filter(({ offset }) => Number(offset) >= range.from && Number(offset) < range.end);
          republished += await send(again(messages, batch.partition));
          if (Number(batch.lastOffset()) >= range.end - 1) open.delete(batch.partition);
          if (open.size === 0) resolve();
          else watchdog = silent();
        };
        consumer.run({ autoCommit: false, eachBatch }).catch(reject);
      });
    });
    return republished;
  }

  /** From now on until it is stopped, every record that comes to the topic comes so many times more. Resolves when it has begun. */
  async repeat(topic: EventTopic, times: () => number): Promise<Repetition> {
    const counts = { records: 0, copies: 0 };
    const seen = new Set<string>();
    const isNew = ({ headers }: KafkaMessage): boolean => {
      const id = String(headers?.['ce_id']);
      return !seen.has(id) && seen.add(id).size > 0;
    };
    const over = new AbortController();
    let work: Promise<void> | undefined;
    await new Promise<void>((begun, failed) => {
      work = this.repeating(topic, { fromBeginning: false }, async (_, consumer, send) => {
        const eachBatch = async ({ batch }: { batch: Batch }): Promise<void> => {
          // The copies come by here as well.
          const fresh = again(batch.messages.filter(isNew), batch.partition);
          counts.records += fresh.length;
          counts.copies += await send(fresh.flatMap((message) => Array.from({ length: times() }, () => message)));
        };
        await new Promise<void>((resolve, reject) => {
          over.signal.addEventListener('abort', () => resolve());
          consumer.on(consumer.events.GROUP_JOIN, () => begun());
          consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
          consumer.run({ autoCommit: false, eachBatch }).catch(reject);
        });
      });
      work.catch(failed);
    });
    const stop = async (): Promise<void> => {
      over.abort();
      await work;
    };
    return { counts, stop };
  }

  private async repeating(
    topic: EventTopic,
    { fromBeginning }: { readonly fromBeginning: boolean },
    work: (name: string, consumer: Consumer, send: (messages: Message[]) => Promise<number>) => Promise<void>,
  ): Promise<void> {
    const name = this.names.toBroker(topic);
    const groupId = this.names.group(`chaos-repeat-${randomUUID()}`);
    const consumer = this.kafka.consumer({ groupId, allowAutoTopicCreation: false });
    const producer = orderedProducer(this.kafka);
    try {
      await producer.connect();
      await consumer.connect();
      await consumer.subscribe({ topic: name, fromBeginning });
      await work(name, consumer, async (messages) => {
        if (messages.length > 0) await producer.send({ topic: name, acks: -1, messages });
        return messages.length;
      });
    } finally {
      await consumer.disconnect().catch(() => undefined);
      await producer.disconnect().catch(() => undefined);
      await this.forget(groupId);
    }
  }

  /** Only housekeeping: an empty group is forgotten by the broker in the end. */
  private async forget(groupId: string): Promise<void> {
    const admin = this.kafka.admin();
    try {
      await admin.connect();
      await admin.deleteGroups([groupId]);
    } catch {
      return;
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }
}

/** The same records in the same partition; what was put there on purpose is passed over. */
const again = (messages: readonly KafkaMessage[], partition: number): Message[] =>
  messages
    .filter(({ headers }) => headers?.[POISON_MARK] === undefined)
    .map(({ key, value, headers }) => ({ key, value, headers: headers as IHeaders, partition }));
