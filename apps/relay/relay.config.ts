import { databaseUrl, host, kafkaBrokers, loadConfig, logLevel, port, topicPrefix, wholeNumber, withFailpoints } from '#platform';
import { z } from 'zod';

const schema = withFailpoints(
  z.object({
    DATABASE_URL: databaseUrl,
    KAFKA_BROKERS: kafkaBrokers,
    TOPIC_PREFIX: topicPrefix,
    PORT: port,
    HOST: host,
    LOG_LEVEL: logLevel,
    /** Most events a round trip to the broker. */
    RELAY_BATCH_SIZE: wholeNumber(1, 10_000).default(2_000),
    /** Bytes: a larger event is set aside without asking the broker. Raise `max.message.bytes` of the topic first. */
    RELAY_MAX_MESSAGE_BYTES: wholeNumber(100_000, 10_000_000).default(1_000_000),
    /** Milliseconds after which the outbox is looked at without having been woken. */
    RELAY_POLL_MS: wholeNumber(10, 60_000).default(500),
    /** Seconds: an older unpublished event makes the relay report that it does not keep up. */
    RELAY_MAX_AGE_S: wholeNumber(1, 86_400).default(60),
  }),
);

export type RelayConfig = Readonly<z.infer<typeof schema>>;

export const relayConfig = (): RelayConfig => loadConfig(schema);
