import { databaseUrl, drainMs, host, loadConfig, logLevel, port, wholeNumber, withFailpoints } from '#platform';
import { z } from 'zod';

const schema = withFailpoints(
  z.object({
    DATABASE_URL: databaseUrl,
    PORT: port.default(4001),
    HOST: host,
    LOG_LEVEL: logLevel,
    SHUTDOWN_DRAIN_MS: drainMs,
    /** Connections to the database. Appends use two at a time, the rest serves reads. */
    DATABASE_POOL_SIZE: wholeNumber(3, 100).default(10),
    /** Commands taken and not yet answered; beyond it clients get 503. */
    MAX_COMMANDS_IN_FLIGHT: wholeNumber(1, 100_000).default(2_000),
  }),
);

export type CommandApiConfig = z.infer<typeof schema>;

/** Throws ConfigError with every problem. */
export const commandApiConfig = (): CommandApiConfig => loadConfig(schema);
