import { databaseUrl, host, httpUrl, kafkaBrokers, loadConfig, logLevel, port, topicPrefix, wholeNumber, withFailpoints } from '#platform';
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
    /** Base URL of the payment gateway. */
    GATEWAY_URL: httpUrl,
    /** Milliseconds before an unanswered call to the gateway counts as an unknown outcome. */
    GATEWAY_TIMEOUT_MS: wholeNumber(100, 60_000).default(5_000),
    /** Calls to the gateway at once, per process. */
    GATEWAY_CONCURRENCY: wholeNumber(1, 1_000).default(32),
    /** Actions taken and not finished, per process; beyond it new orders wait in Kafka and overdue actions in the database. */
    MAX_ACTIONS_IN_MEMORY: wholeNumber(100, 100_000).default(2_000),
    /** Milliseconds an action belongs to the process that took it; past that another process takes it over. */
    ACTION_LEASE_MS: wholeNumber(1_000, 600_000).default(15_000),
  }),
);

export type OrchestratorConfig = Readonly<z.infer<typeof schema>>;

export const orchestratorConfig = (): OrchestratorConfig => loadConfig(schema);
