import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { inject } from 'vitest';
import { KafkaJsBroker } from '#messaging';
import { APP_NAMES, spawnApp, urlsOf, waitForApp, type AppEnvironment, type AppName } from '../../dev/apps.js';
import type { ManagedProcess } from '../../dev/managed-process.js';
import { freePorts } from '../../dev/ports.js';
import type { StackUrls } from '../../dev/stack-file.js';
import { createTestDatabase, uniqueTopicPrefix } from './test-database.js';

export interface TestStackOptions {
  /** Which apps to start; default all. */
  readonly apps?: readonly AppName[];
  /** Further environment variables, for one app alone. */
  readonly env?: AppEnvironment['extraEnv'];
  /** Default `info`; the log of each app is there when a test fails: `logOf`. */
  readonly logLevel?: string;
}

export interface TestStack {
  readonly urls: StackUrls;
  readonly databaseUrl: string;
  readonly kafkaBrokers: readonly string[];
  readonly topicPrefix: string;
  /** File of the gateway's own book. */
  readonly gatewayBook: string;
  process(app: AppName): ManagedProcess;
  /** Sends a signal (default SIGKILL). Resolves when the process has ended, at once for signals that do not end it. */
  kill(app: AppName, signal?: NodeJS.Signals): Promise<void>;
  /** Starts an app on its old port, ending it first if it runs. Resolves when it is ready. */
  restart(app: AppName): Promise<void>;
  logOf(app: AppName): string;
  /** Ends every process, drops the database, removes the files. Topics stay on the throwaway broker. */
  stop(): Promise<void>;
}

const NOT_ENDING: ReadonlySet<string> = new Set(['SIGSTOP', 'SIGCONT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH']);

/**
 * The whole system as a user runs it, every app a process of its own from dist, with its own database and topics on the shared
 * PostgreSQL and Kafka of the test run. Rejects with the end of the log when an app does not come up.
 */
export async function startTestStack({ apps = APP_NAMES, env, logLevel = 'info' }: TestStackOptions = {}): Promise<TestStack> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-stack-'));
  const database = await createTestDatabase();
  const ports = await freePorts(APP_NAMES.length);
  const environment: AppEnvironment = {
    databaseUrl: database.url,
    kafkaBrokers: inject('kafkaBrokers'),
    topicPrefix: uniqueTopicPrefix(),
    gatewayBook: join(folder, 'gateway-book.ndjson'),
    ports: Object.fromEntries(APP_NAMES.map((app, index) => [app, ports[index]])) as Record<AppName, number>,
    host: '127.0.0.1',
    logDir: folder,
    logLevel,
    ...(env !== undefined && { extraEnv: env }),
  };
  const running = new Map<AppName, ManagedProcess>();
  const killAll = (): void => running.forEach((child) => child.kill('SIGKILL'));
  process.once('exit', killAll);

  const start = async (app: AppName): Promise<void> => {
    const child = await spawnApp(app, environment);
    running.set(app, child);
    await waitForApp(app, child, environment);
  };
  const processOf = (app: AppName): ManagedProcess => {
    const child = running.get(app);
    if (child === undefined) throw new Error(`${app} is not part of this test stack`);
    return child;
  };
  const stop = async (): Promise<void> => {
    // One that a test has stopped with SIGSTOP would never hear of its end.
    running.forEach((child) => child.kill('SIGCONT'));
    await Promise.all([...running.values()].map((child) => child.stop('SIGTERM', 12_000)));
    process.off('exit', killAll);
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await ensureTopics(environment);
    await Promise.all(apps.map(start));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    urls: urlsOf(environment),
    databaseUrl: environment.databaseUrl,
    kafkaBrokers: environment.kafkaBrokers,
    topicPrefix: environment.topicPrefix,
    gatewayBook: environment.gatewayBook,
    process: processOf,
    kill: async (app, signal = 'SIGKILL') => {
      const child = processOf(app);
      child.kill(signal);
      if (!NOT_ENDING.has(signal)) await child.exited;
    },
    restart: async (app) => {
      const child = running.get(app);
      if (child?.running) await child.stop('SIGTERM', 12_000);
      await start(app);
    },
    logOf: (app) => readFileSync(join(folder, `${app}.log`), 'utf8'),
    stop,
  };
}

async function ensureTopics({ kafkaBrokers: brokers, topicPrefix }: AppEnvironment): Promise<void> {
  const admin = new KafkaJsBroker({ brokers, clientId: 'test-stack', topicPrefix, logger: pino({ level: 'silent' }) }).admin();
  try {
    await admin.ensureTopics();
  } finally {
    await admin.close();
  }
}
