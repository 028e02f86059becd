import { BrokerNames, TOPICS } from '#messaging';
import kafkajs, { type Message, type Producer } from 'kafkajs';
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

/** Writes what no app of ours would write, past the proxies. Connects for each act; a broker that is away makes it throw. */
export class TopicWriter {
  private readonly kafka: InstanceType<typeof Kafka>;
  private readonly names: BrokerNames;

  constructor({ kafkaBrokers, topicPrefix }: Pick<ChaosStack, 'kafkaBrokers' | 'topicPrefix'>) {
    this.names = new BrokerNames(topicPrefix);
    this.kafka = kafkaOf({ kafkaBrokers });
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

  private async producing<T>(work: (producer: Producer) => Promise<T>): Promise<T> {
    const producer = orderedProducer(this.kafka);
    await producer.connect();
    try {
      return await work(producer);
    } finally {
      await producer.disconnect().catch(() => undefined);
    }
  }
}

export function kafkaOf({ kafkaBrokers }: Pick<ChaosStack, 'kafkaBrokers'>): InstanceType<typeof Kafka> {
  return new Kafka({
    brokers: [...kafkaBrokers],
    clientId: 'chaos-writer',
    connectionTimeout: 3_000,
    logLevel: logLevel.NOTHING,
    retry: { retries: 3, initialRetryTime: 100 },
  });
}

/** A producer that keeps the order of what it is given. */
export const orderedProducer = (kafka: InstanceType<typeof Kafka>): Producer =>
  kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
