import { randomUUID } from 'node:crypto';
import { BrokerNames, TOPICS } from '#messaging';
import kafkajs, { type IHeaders, type Message, type Producer } from 'kafkajs';
import type { ChaosStack } from './chaos-stack.js';

// A CommonJS module: Node finds no named exports of classes in it.
const { Kafka, logLevel, Partitioners } = kafkajs;

/** On everything that goes to a topic and is no event of ours, so that a replay passes it over. */
export const POISON_MARK = 'x-injected';

export type EventTopic = (typeof TOPICS)[keyof typeof TOPICS];

/** Where a record came to lie. */
export interface Place {
  readonly partition: number;
  readonly offset: string;
}

const SILENCE_MS = 20_000;

/** Writes what no app of ours would write, past the proxies. Connects for each act; a broker that is away makes it throw. */
export class TopicWriter {
  private readonly kafka: InstanceType<typeof Kafka>;
  private readonly names: BrokerNames;

  constructor({ kafkaBrokers, topicPrefix }: Pick<ChaosStack, 'kafkaBrokers' | 'topicPrefix'>) {
    this.names = new BrokerNames(topicPrefix);
    this.kafka = new Kafka({
      brokers: [...kafkaBrokers],
      clientId: 'chaos-writer',
      connectionTimeout: 3_000,
      logLevel: logLevel.NOTHING,
      retry: { retries: 3, initialRetryTime: 100 },
    });
  }

  async send(topic: EventTopic, message: Message): Promise<Place> {
    return this.producing(async (producer) => {
      const [written] = await producer.send({ topic: this.names.toBroker(topic), acks: -1, messages: [message] });
      return { partition: written!.partition, offset: written!.baseOffset! };
    });
  }

  async sendAll(topic: EventTopic, messages: readonly Message[]): Promise<void> {
    if (messages.length === 0) return;
    await this.producing((producer) => producer.send({ topic: this.names.toBroker(topic), acks: -1, messages: [...messages] }));
  }

  /** Publishes everything that lies in a partition now once more, same bytes, same order. Answers how many records. */
  async republish(topic: EventTopic, partition: number, end: number): Promise<number> {
    if (end === 0) return 0;
    const name = this.names.toBroker(topic);
    const groupId = this.names.group(`chaos-replay-${randomUUID()}`);
    const consumer = this.kafka.consumer({ groupId, allowAutoTopicCreation: false });
    let republished = 0;
    try {
      return await this.producing(async (producer) => {
        await consumer.connect();
        await consumer.subscribe({ topic: name, fromBeginning: true });
        await new Promise<void>((resolve, reject) => {
          let watchdog = setTimeout(() => reject(new Error('the topic gave nothing')), SILENCE_MS);
          consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
          const others = [...Array(64).keys()].filter((each) => each !== partition);
          consumer.on(consumer.events.GROUP_JOIN, () => consumer.pause([{ topic: name, partitions: others }]));
          const run = consumer.run({
            autoCommit: false,
            eachBatch: async ({ batch }) => {
              if (batch.partition !== partition) return;
              clearTimeout(watchdog);
              const messages = batch.messages.filter(({ offset, headers }) => Number(offset) < end && headers?.[POISON_MARK] === undefined);
              const again = messages.map(({ key, value, headers }) => ({ key, value, headers: headers as IHeaders, partition }));
              if (again.length > 0) await producer.send({ topic: name, acks: -1, messages: again });
              republished += again.length;
              if (Number(batch.lastOffset()) >= end - 1) resolve();
              else watchdog = setTimeout(() => reject(new Error('the topic gave no more')), SILENCE_MS);
            },
          });
          run.catch(reject);
        });
        return republished;
      });
    } finally {
      await consumer.disconnect().catch(() => undefined);
      await this.forget(groupId);
    }
  }

  private async producing<T>(work: (producer: Producer) => Promise<T>): Promise<T> {
    const producer = this.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    try {
      return await work(producer);
    } finally {
      await producer.disconnect().catch(() => undefined);
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
