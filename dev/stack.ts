import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { KafkaJsBroker } from '#messaging';
import { createLogger } from '#platform';
import { pino } from 'pino';
import { migrate } from '../migrations/migrate.js';
import { spawnApp, urlsOf, waitForApp, type AppEnvironment, type AppName } from './apps.js';
import { DURABLE_SETTINGS, ensureDatabase, removeCluster, startPostgres, type RunningPostgres } from './embedded-postgres.js';
import { hasKafkaJars, kafkaJars, startKafka } from './kafka.js';
import type { ManagedProcess } from './managed-process.js';
import { isPortFree } from './ports.js';
import { commandLineOf } from './process-table.js';
import type { Progress } from './progress.js';
import type { StackConfig } from './stack-config.js';
import { removeStackFile, writeStackFile, type StackFile } from './stack-file.js';
import { Supervisor, type Service } from './supervisor.js';

const DATABASE = 'tidemark';
const HOST = '127.0.0.1';
/** A signal, up to 10 s for what is in flight, and a little. */
const APP_STOP_MS = 12_000;

/**
 * The whole system on this machine: PostgreSQL and Kafka (unless given), the schema, the topics, every app as a process of its own.
 * `start` brings it up, `stop` takes it down in order: no more commands, then the workers, the gateway, Kafka, PostgreSQL.
 */
export class Stack {
  readonly environment: AppEnvironment;
  private readonly startedAt = new Date().toISOString();
  private readonly supervisor: Supervisor;
  private state: StackFile['state'] = 'starting';

  constructor(
    private readonly config: StackConfig,
    private readonly progress: Progress,
    extraEnv: AppEnvironment['extraEnv'] = {},
  ) {
    this.environment = {
      databaseUrl: config.givenDatabaseUrl ?? `postgres://tidemark@${HOST}:${config.postgres.port}/${DATABASE}`,
      kafkaBrokers: config.givenKafkaBrokers ?? [`${HOST}:${config.kafka.port}`],
      topicPrefix: config.topicPrefix,
      gatewayBook: config.gatewayBook,
      ports: config.ports,
      host: HOST,
      logDir: config.logDir,
      logLevel: config.logLevel,
      extraEnv,
    };
    this.supervisor = new Supervisor({ say: (line) => progress.report(line), onChange: () => this.record() });
  }

  get urls(): StackFile['urls'] {
    return urlsOf(this.environment);
  }

  /** Whether there is anything to stop. */
  get hasStarted(): boolean {
    return this.supervisor.processes.length > 0;
  }

  /** Rejects with the first thing that failed; then `stop` still has to be called. */
  async start(): Promise<void> {
    await this.checkPorts();
    keepPreviousLogs(this.config.logDir);
    this.record();
    const phase = <T>(name: string, work: () => Promise<T>): Promise<T> => this.progress.phase(name, work);
    const { givenDatabaseUrl, givenKafkaBrokers } = this.config;
    if (givenKafkaBrokers === undefined && !hasKafkaJars()) {
      this.progress.say('  fetching Kafka, once (some 45 MB) …');
      await this.progress.phase('kafka download', kafkaJars);
    }
    // Groups start side by side and end one after the other, the last one first.
    await Promise.all([
      this.supervisor.startGroup(givenDatabaseUrl === undefined ? [this.postgres()] : [], phase),
      this.supervisor.startGroup(givenKafkaBrokers === undefined ? [this.kafka()] : [], phase),
    ]);
    await Promise.all([this.migrate(), this.ensureTopics()]);
    const starting = (...apps: AppName[]): Promise<void> =>
      this.supervisor.startGroup(
        apps.map((app) => this.app(app)),
        phase,
      );
    await Promise.all([starting('gateway'), starting('relay', 'orchestrator', 'projector'), starting('query-api', 'command-api')]);
    this.state = 'running';
    this.record();
  }

  async stop(): Promise<void> {
    await this.supervisor.stopAll();
    removeStackFile(this.config.stateDir);
  }

  kill(): void {
    this.supervisor.killAll();
    removeStackFile(this.config.stateDir);
  }

  private postgres(): Service {
    const { port, dataDir } = this.config.postgres;
    return {
      name: 'postgres',
      start: async (onSpawn) => {
        const running: RunningPostgres = await startPostgres({
          dataDir,
          port,
          logFile: join(this.config.logDir, 'postgres.log'),
          settings: DURABLE_SETTINGS,
          ownGroup: true,
          onSpawn,
        });
        await ensureDatabase(running, DATABASE);
      },
      stop: (child) => child.stop('SIGINT', 30_000),
    };
  }

  private kafka(): Service {
    return {
      name: 'kafka',
      start: async (onSpawn) => {
        await startKafka({ ...this.config.kafka, logFile: join(this.config.logDir, 'kafka.log'), ownGroup: true, onSpawn });
      },
      stop: (child) => child.stop('SIGTERM', 20_000),
    };
  }

  private app(app: AppName): Service {
    return {
      name: app,
      start: async (onSpawn) => {
        const child = await spawnApp(app, this.environment, { ownGroup: true });
        onSpawn(child);
        await waitForApp(app, child, this.environment);
      },
      stop: (child) => child.stop('SIGTERM', APP_STOP_MS),
    };
  }

  private async migrate(): Promise<void> {
    const remark = (count: number): string => (count === 0 ? 'up to date' : `${count} carried out`);
    try {
      await this.progress.phase('migrations', () => migrate({ databaseUrl: this.environment.databaseUrl }), remark);
    } catch (error) {
      const { message, cause } = error as Error;
      throw new StackError(`The migrations failed: ${message}${cause instanceof Error ? ` (${cause.message})` : ''}`, { cause: error });
    }
  }

  private async ensureTopics(): Promise<void> {
    const { kafkaBrokers: brokers, topicPrefix } = this.environment;
    const logger = createLogger({
      app: 'stack',
      level: 'warn',
      destination: pino.destination({ dest: join(this.config.logDir, 'stack.log'), mkdir: true }),
    });
    const admin = new KafkaJsBroker({ brokers, clientId: 'stack', topicPrefix, logger }).admin();
    try {
      await this.progress.phase('topics', () => admin.ensureTopics());
    } catch (error) {
      throw new StackError(`Kafka at ${brokers.join(', ')} does not take our topics: ${(error as Error).message}`, { cause: error });
    } finally {
      await admin.close();
    }
  }

  private async checkPorts(): Promise<void> {
    const { listens } = this.config;
    const twice = listens.find(({ port }, index) => listens.some((other, at) => at > index && other.port === port));
    if (twice !== undefined) {
      const variables = listens.filter(({ port }) => port === twice.port).map(({ variable }) => variable);
      throw new StackError(`${variables.join(' and ')} are both ${twice.port}: each needs a port of its own.`);
    }
    const taken = [];
    for (const listen of listens) if (!(await isPortFree(listen.port))) taken.push(listen);
    if (taken.length === 0) return;
    const [who, which] = [taken.map(({ who, port }) => `${port} (${who})`), taken.map(({ variable }) => variable)];
    throw new StackError(
      `Port${taken.length > 1 ? 's' : ''} ${who.join(', ')} ${taken.length > 1 ? 'are' : 'is'} taken by another program: ` +
        `stop it, or choose ${taken.length > 1 ? 'others' : 'another'} with ${which.join(', ')}.`,
    );
  }

  private record(): void {
    const { databaseUrl, kafkaBrokers, topicPrefix, gatewayBook } = this.environment;
    const own = { name: 'supervisor', pid: process.pid, commandLine: commandLineOf(process.pid) };
    const entry = ({ name, pid }: ManagedProcess): StackFile['processes'][number] => ({ name, pid, commandLine: commandLineOf(pid) });
    writeStackFile(
      {
        startedAt: this.startedAt,
        state: this.state,
        databaseUrl,
        kafkaBrokers,
        topicPrefix,
        urls: this.urls,
        processes: [own, ...this.supervisor.processes.map(entry)],
        gatewayBook,
      },
      this.config.stateDir,
    );
  }
}

/** Something the person at the terminal can do something about; its message is all they need to see. */
export class StackError extends Error {}

/** Forgets database, topics and the gateway's book of an embedded stack that is not running. */
export function forgetData(config: StackConfig): void {
  if (config.givenDatabaseUrl !== undefined || config.givenKafkaBrokers !== undefined) {
    throw new StackError(
      '--fresh forgets the embedded database and broker; with DATABASE_URL or KAFKA_BROKERS given, empty those yourself.',
    );
  }
  removeCluster(config.postgres.dataDir);
  rmSync(config.kafka.dataDir, { recursive: true, force: true });
  rmSync(join(config.stateDir, 'gateway'), { recursive: true, force: true });
}

/** One generation back is kept: `<app>.previous.log`. */
function keepPreviousLogs(logDir: string): void {
  mkdirSync(logDir, { recursive: true });
  for (const file of readdirSync(logDir).filter(
    (name) => name.endsWith('.log') && !name.endsWith('.previous.log') && name !== 'supervisor.log',
  )) {
    renameSync(join(logDir, file), join(logDir, file.replace(/\.log$/, '.previous.log')));
  }
}
