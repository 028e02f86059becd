/** Of folders for servers and their data, each with its owner's process id in `owner.pid`. */
export const SCRATCH_PREFIX = 'tidemark-test-';

/** PostgreSQL and Kafka of somebody who runs vitest many times, and starts them once for all runs. */
export interface TestServers {
  /** The cluster's maintenance database. */
  readonly databaseUrl: string;
  /** `host:port` of each. */
  readonly kafkaBrokers: string[];
}

/** Environment variable with a {@link TestServers} as JSON. */
export const BORROWED_SERVERS = 'TIDEMARK_TEST_SERVERS';

export function borrowedServers(env: NodeJS.ProcessEnv = process.env): TestServers | undefined {
  const text = env[BORROWED_SERVERS];
  return text === undefined || text === '' ? undefined : (JSON.parse(text) as TestServers);
}
