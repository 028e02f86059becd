import type {
  BatchConsumer,
  BatchProducer,
  Broker,
  BrokerAdmin,
  ConsumerOptions,
  MessagingLogger,
  OutgoingMessage,
  SendVerdict,
} from '#messaging';
import { CONSUMER_RETRY } from '../../../libs/messaging/kafkajs/kafkajs-broker.js';
import { KafkaJsConsumer } from '../../../libs/messaging/kafkajs/kafkajs-consumer.js';
import { BrokerNames } from '../../../libs/messaging/topics.js';
import { createKafkaJsConsumer } from './kafkajs-internals.js';
import { MemoryCluster } from './memory-cluster.js';
import type { MemoryKafka } from './memory-kafka.js';

const silent: object = { info() {}, warn() {}, error() {}, debug() {}, namespace: () => silent };

/** Our messaging port over a Kafka in memory: our consumer around kafkajs's own, down to where it would send requests. */
export class MemoryBroker implements Broker {
  private readonly names = new BrokerNames();

  constructor(
    private readonly kafka: MemoryKafka,
    private readonly logger: MessagingLogger,
  ) {}

  createProducer(): Promise<BatchProducer> {
    const { kafka } = this;
    const send = async (messages: readonly OutgoingMessage[]): Promise<SendVerdict[]> => {
      try {
        return await kafka.ask<SendVerdict[]>('produce', (reply) => {
          for (const { topic, key, value, headers } of messages) {
            const stored = typeof key === 'string' ? Buffer.from(key) : key;
            kafka.append(topic, 0, { key: stored, value, headers: headers as Record<string, string> });
          }
          reply.resolve(messages.map(() => ({ outcome: 'acknowledged' })));
        });
      } catch (error) {
        return messages.map(() => ({ outcome: 'failed', error: error as Error }));
      }
    };
    return Promise.resolve({ send, connected: true, close: () => Promise.resolve() });
  }

  createConsumer(options: ConsumerOptions): BatchConsumer {
    const { kafka, names, logger } = this;
    return new KafkaJsConsumer({
      // Idle fetches tell no story.
      maxWaitMs: 3_000,
      ...options,
      names,
      logger,
      createConsumer: (config) =>
        createKafkaJsConsumer({
          ...config,
          retry: CONSUMER_RETRY,
          cluster: new MemoryCluster(kafka),
          logger: silent,
          metadataMaxAge: 300_000,
        }),
    });
  }

  admin(): BrokerAdmin {
    throw new Error('nobody administrates the broker of a simulation');
  }
}
