import { KafkaPublisher } from '../../../apps/relay/kafka-publisher.js';
import { OutboxRelay, type OutboxPublisher } from '#outbox';
import type { Logger } from '#platform';
import { KafkaJsProducer } from '../../../libs/messaging/kafkajs/kafkajs-producer.js';
import { BrokerNames } from '../../../libs/messaging/topics.js';
import type { MemoryPostgres } from '../postgres/memory-postgres.js';
import type { MemoryLog } from './memory-log.js';
import { MOST_MESSAGE_BYTES } from './writers.js';

export interface RelayProcess {
  wake(): void;
  stop(): Promise<void>;
}

export interface RelayOptions {
  readonly postgres: MemoryPostgres;
  readonly log: MemoryLog;
  readonly logger: Logger;
  /** A spec puts a broken publisher before the real one here. */
  readonly around?: (publisher: OutboxPublisher) => OutboxPublisher;
}

/** The moving parts of apps/relay as its main wires them, without HTTP. Called in a process of the kernel. */
export function startRelay({ postgres, log, logger, around = (publisher) => publisher }: RelayOptions): RelayProcess {
  const producer = new KafkaJsProducer({
    names: new BrokerNames(),
    logger,
    maxMessageBytes: MOST_MESSAGE_BYTES,
    createProducer: () => log.producer(),
  });
  const relay = new OutboxRelay({
    // As relayClient has it.
    connect: () => postgres.client({ connectionTimeoutMillis: 5_000, query_timeout: 10_000 }),
    publisher: around(new KafkaPublisher({ producer })),
    logger,
    // Of all shards together: a few rows of each.
    batchSize: 48,
    batchBytes: 12_000,
    retry: { firstMs: 100, maxMs: 2_000 },
  });
  relay.start();
  return {
    wake: () => relay.wake(),
    stop: async () => {
      await relay.stop();
      await producer.close();
    },
  };
}
