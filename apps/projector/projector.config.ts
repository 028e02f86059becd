import { databaseUrl, host, kafkaBrokers, loadConfig, logLevel, port, topicPrefix, withFailpoints } from '#platform';
import { z } from 'zod';

const schema = withFailpoints(
  z.object({
    DATABASE_URL: databaseUrl,
    KAFKA_BROKERS: kafkaBrokers,
    /** First part of every topic's name and of the consumer group's. */
    TOPIC_PREFIX: topicPrefix,
    PORT: port,
    HOST: host,
    LOG_LEVEL: logLevel,
  }),
);

export type ProjectorConfig = Readonly<z.infer<typeof schema>>;

export const projectorConfig = (): ProjectorConfig => loadConfig(schema);
