import { join } from 'node:path';
import { databaseUrl, kafkaBrokers, loadConfig, logLevel, topicPrefix, wholeNumber } from '#platform';
import { z } from 'zod';
import type { AppName } from './apps.js';
import { stateDir } from './paths.js';

const portOr = (number: number) => wholeNumber(1, 65_535).default(number);

const schema = z.object({
  /** An existing database instead of the embedded one. */
  DATABASE_URL: databaseUrl.optional(),
  /** Existing brokers instead of the local one. */
  KAFKA_BROKERS: kafkaBrokers.optional(),
  TIDEMARK_STATE_DIR: z.string().optional(),
  TOPIC_PREFIX: topicPrefix,
  LOG_LEVEL: logLevel,
  POSTGRES_PORT: portOr(25_432),
  KAFKA_PORT: portOr(9_392),
  KAFKA_CONTROLLER_PORT: portOr(9_393),
  COMMAND_API_PORT: portOr(4_001),
  QUERY_API_PORT: portOr(4_002),
  RELAY_PORT: portOr(4_003),
  ORCHESTRATOR_PORT: portOr(4_004),
  PROJECTOR_PORT: portOr(4_005),
  GATEWAY_PORT: portOr(4_006),
});

/** Everything `npm start` can be told by the environment, settled. */
export interface StackConfig {
  readonly stateDir: string;
  readonly logDir: string;
  readonly logLevel: string;
  readonly topicPrefix: string;
  readonly gatewayBook: string;
  readonly ports: Readonly<Record<AppName, number>>;
  /** undefined: embedded. */
  readonly givenDatabaseUrl: string | undefined;
  readonly givenKafkaBrokers: readonly string[] | undefined;
  readonly postgres: { readonly port: number; readonly dataDir: string };
  readonly kafka: { readonly port: number; readonly controllerPort: number; readonly dataDir: string };
  /** Every port this stack will listen on, with the variable that moves it. */
  readonly listens: ReadonlyArray<{ readonly who: string; readonly port: number; readonly variable: string }>;
}

/** Throws ConfigError naming every variable that cannot be used. */
export function stackConfig(env: NodeJS.ProcessEnv = process.env): StackConfig {
  const config = loadConfig(schema, env);
  const directory = stateDir(env);
  const ports = {
    'command-api': config.COMMAND_API_PORT,
    'query-api': config.QUERY_API_PORT,
    relay: config.RELAY_PORT,
    orchestrator: config.ORCHESTRATOR_PORT,
    projector: config.PROJECTOR_PORT,
    gateway: config.GATEWAY_PORT,
  };
  const listens = Object.entries(ports).map(([who, port]) => ({ who, port, variable: `${who.toUpperCase().replace('-', '_')}_PORT` }));
  if (config.DATABASE_URL === undefined) listens.unshift({ who: 'postgres', port: config.POSTGRES_PORT, variable: 'POSTGRES_PORT' });
  if (config.KAFKA_BROKERS === undefined) {
    listens.unshift({ who: 'kafka', port: config.KAFKA_PORT, variable: 'KAFKA_PORT' });
    listens.unshift({ who: 'kafka (controller)', port: config.KAFKA_CONTROLLER_PORT, variable: 'KAFKA_CONTROLLER_PORT' });
  }
  return {
    stateDir: directory,
    logDir: join(directory, 'logs'),
    logLevel: config.LOG_LEVEL,
    topicPrefix: config.TOPIC_PREFIX,
    gatewayBook: join(directory, 'gateway', 'book.ndjson'),
    ports,
    givenDatabaseUrl: config.DATABASE_URL,
    givenKafkaBrokers: config.KAFKA_BROKERS,
    postgres: { port: config.POSTGRES_PORT, dataDir: join(directory, 'pgdata') },
    kafka: { port: config.KAFKA_PORT, controllerPort: config.KAFKA_CONTROLLER_PORT, dataDir: join(directory, 'kafka') },
    listens,
  };
}
