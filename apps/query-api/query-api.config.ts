import { z } from 'zod';
import { databaseUrl, drainMs, host, loadConfig, logLevel, port, wholeNumber, withFailpoints } from '#platform';

const schema = withFailpoints(
  z.object({
    PORT: port,
    HOST: host,
    DATABASE_URL: databaseUrl,
    LOG_LEVEL: logLevel,
    SHUTDOWN_DRAIN_MS: drainMs,
    /** Connections for read models, and half as many (at least 2) for the event store. */
    QUERY_POOL_SIZE: wholeNumber(1, 200).default(10),
    /** Milliseconds a statement may take. */
    QUERY_TIMEOUT_MS: wholeNumber(100, 600_000).default(10_000),
  }),
);

export type QueryApiConfig = Readonly<z.output<typeof schema>>;

export const loadQueryApiConfig = (env?: Readonly<Record<string, string | undefined>>): QueryApiConfig => loadConfig(schema, env);
