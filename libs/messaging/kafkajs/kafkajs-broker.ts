import kafkajs, { type Consumer, type ConsumerConfig, type Kafka as KafkaClient, type RetryOptions } from 'kafkajs';

import type { BatchConsumer, BatchProducer, Broker, BrokerAdmin, ConsumerOptions } from '../broker.js';
import type { MessagingLogger } from '../messaging-logger.js';
import { BrokerNames, DEFAULT_TOPIC_PREFIX } from '../topics.js';
import { KafkaJsAdmin } from './kafkajs-admin.js';
import { KafkaJsConsumer } from './kafkajs-consumer.js';
import { kafkaJsLog } from './kafkajs-log.js';
import { KafkaJsProducer } from './kafkajs-producer.js';
import { keyPartitioner } from './key-partitioner.js';
import { writeProduceRequestsFast } from './produce-request.patch.js';
import { stopIdleTimers } from './spin-timer.patch.js';

// A CommonJS module: Node finds no named exports of classes in it.
const { Kafka, logLevel } = kafkajs;

export interface KafkaJsBrokerOptions {
  /** `host:port` of each. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly logger: MessagingLogger;
  /** Namespace of topics and groups on the broker; see BrokerNames. Never change it on a live system. */
  readonly topicPrefix?: string;
  /** Of topics we create; default the broker's. */
  readonly replicationFactor?: number;
}

/** Below the broker's default of 1,048,588 for all records of a partition in a request, with room for its own framing. */
const MAX_MESSAGE_BYTES = 1_000_000;

/** Stated in full: kafkajs has other defaults when NODE_ENV is `test`. Gives up after about 2.5 s; our own loops go on from there. */
const RETRY: RetryOptions = { retries: 5, initialRetryTime: 100, multiplier: 2, factor: 0.2, maxRetryTime: 1_000 };

/**
 * A consumer that gives up starts again as a new member, and the group waits a session for the old one: 6 s more after a broker
 * restart (measured). So it holds on for about 40 s, as the member it is.
 */
export const CONSUMER_RETRY: RetryOptions = { ...RETRY, retries: 40 };

/** kafkajs behind our port. The constructor patches kafkajs's idle timers and throws when it does not know this kafkajs. */
export class KafkaJsBroker implements Broker {
  private readonly names: BrokerNames;

  constructor(private readonly options: KafkaJsBrokerOptions) {
    stopIdleTimers();
    writeProduceRequestsFast();
    this.names = new BrokerNames(options.topicPrefix ?? DEFAULT_TOPIC_PREFIX);
  }

  /** Does not connect yet: a broker that is away shows as failed verdicts, not as an app that cannot start. */
  createProducer({ maxMessageBytes = MAX_MESSAGE_BYTES }: { maxMessageBytes?: number } = {}): Promise<BatchProducer> {
    const { logger } = this.options;
    return Promise.resolve(
      new KafkaJsProducer({
        names: this.names,
        logger,
        maxMessageBytes,
        createProducer: () =>
          this.client(10_000).producer({
            idempotent: true,
            maxInFlightRequests: 1,
            allowAutoTopicCreation: false,
            createPartitioner: keyPartitioner,
            retry: RETRY,
          }),
      }),
    );
  }

  createConsumer(options: ConsumerOptions): BatchConsumer {
    return new KafkaJsConsumer({
      ...options,
      names: this.names,
      logger: this.options.logger,
      createConsumer: (config) => this.consumer(config),
    });
  }

  admin(): BrokerAdmin {
    return new KafkaJsAdmin({
      names: this.names,
      replicationFactor: this.options.replicationFactor,
      createAdmin: () => this.client(10_000).admin({ retry: RETRY }),
      createConsumer: (config) => this.consumer(config),
    });
  }

  private consumer(config: ConsumerConfig): Consumer {
    return this.client(10_000, CONSUMER_RETRY).consumer({
      ...config,
      retry: { ...CONSUMER_RETRY, ...config.retry },
      allowAutoTopicCreation: false,
    });
  }

  /** One kafkajs client per role: clients share the table of committed offsets, which mixes up two consumers of one group. */
  private client(requestTimeout: number, retry = RETRY): KafkaClient {
    const { brokers, clientId, logger } = this.options;
    return new Kafka({
      brokers: [...brokers],
      clientId,
      connectionTimeout: 3_000,
      requestTimeout,
      retry,
      logLevel: logLevel.INFO,
      logCreator: kafkaJsLog(logger),
    });
  }
}
