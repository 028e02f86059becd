import { KafkaJsBroker } from '#messaging';
import { createLogger, databaseUrl, kafkaBrokers, loadConfig, logLevel, runMain, topicPrefix } from '#platform';
import { z } from 'zod';
import { migrate } from '../migrations/migrate.js';

const schema = z.object({
  DATABASE_URL: databaseUrl,
  KAFKA_BROKERS: kafkaBrokers,
  TOPIC_PREFIX: topicPrefix,
  LOG_LEVEL: logLevel,
});

// What has to be there before the first app starts: the schema and the topics. Run once, then it ends.
runMain(async () => {
  const config = loadConfig(schema);
  const logger = createLogger({ app: 'prepare', level: config.LOG_LEVEL });
  const onMigrated = (name: string): void => logger.info({ event: 'migration.completed', name });
  const count = await migrate({ databaseUrl: config.DATABASE_URL, onMigrated });
  logger.info({ event: 'migrations.up-to-date', count });
  const admin = new KafkaJsBroker({ brokers: config.KAFKA_BROKERS, clientId: 'prepare', topicPrefix: config.TOPIC_PREFIX, logger }).admin();
  try {
    await admin.ensureTopics();
    logger.info({ event: 'topics.up-to-date' });
  } finally {
    await admin.close();
  }
});
