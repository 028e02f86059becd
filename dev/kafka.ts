import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import kafkajs from 'kafkajs';
import { ManagedProcess, waitUntilReady } from './managed-process.js';
import { hasJars, jarsOf } from './maven-jars.js';
import { REPOSITORY_ROOT } from './paths.js';

export interface KafkaOptions {
  /** Formatted when it holds no broker's data yet. */
  readonly dataDir: string;
  readonly port: number;
  readonly controllerPort: number;
  /** Further listeners; who bootstraps through one is told to come back to its `advertisedPort`, where something stands between. */
  readonly proxied?: readonly { readonly port: number; readonly advertisedPort: number }[];
  readonly logFile: string;
  readonly maxHeapMb?: number;
  readonly ownGroup?: boolean;
  /** Told of the process before it is ready. */
  readonly onSpawn?: (child: ManagedProcess) => void;
}

export interface RunningKafka {
  readonly process: ManagedProcess;
  /** `127.0.0.1:<port>` */
  readonly broker: string;
  stop(): Promise<void>;
}

// A CommonJS module: Node finds no named exports in it.
const { Kafka, logLevel } = kafkajs;

const POM = join(REPOSITORY_ROOT, 'dev', 'kafka', 'pom.xml');
const JVM_FLAGS = ['-Xms128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto', '-Djava.awt.headless=true'];
const LOG_FLAGS = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-Dorg.slf4j.simpleLogger.showDateTime=true'];

/**
 * Starts an Apache Kafka broker (its own controller) on the loopback address. The jars come from Maven once a checkout
 * (versions pinned in dev/kafka/pom.xml) and are kept in .tidemark-cache.
 * Throws when Java or Maven is missing, when Maven fails, or when the broker is not ready within 60 s.
 */
export async function startKafka(options: KafkaOptions): Promise<RunningKafka> {
  const jars = await kafkaJars();
  mkdirSync(options.dataDir, { recursive: true });
  const properties = join(options.dataDir, 'server.properties');
  writeFileSync(properties, serverProperties(options));
  if (!existsSync(join(options.dataDir, 'data', 'meta.properties'))) await format(jars, properties);

  const child = await ManagedProcess.start({
    name: 'kafka',
    command: 'java',
    args: [...JVM_FLAGS, `-Xmx${options.maxHeapMb ?? 512}m`, ...LOG_FLAGS, '-cp', `${jars}/*`, 'kafka.Kafka', properties],
    cwd: options.dataDir,
    logFile: options.logFile,
    ...(options.ownGroup !== undefined && { ownGroup: options.ownGroup }),
  });
  options.onSpawn?.(child);
  const broker = `127.0.0.1:${options.port}`;
  try {
    await waitUntilReady(child, () => answersAsBroker(broker), 60_000, 100);
  } catch (error) {
    await child.stop('SIGKILL');
    throw error;
  }
  return { process: child, broker, stop: async () => void (await child.stop('SIGTERM', 20_000)) };
}

/** Whether the broker's jars are there, so that a start needs no network. */
export function hasKafkaJars(): boolean {
  return hasJars('kafka', POM);
}

/** The folder with the broker's jars; downloads them the first time. */
export async function kafkaJars(): Promise<string> {
  return await explained('mvn', jarsOf('kafka', POM));
}

/** 16 random bytes as base64url, the first below 128: one that began with "-" would be taken for an option of the storage tool. */
export function newClusterId(): string {
  const bytes = randomBytes(16);
  bytes[0]! &= 0x7f;
  return bytes.toString('base64url');
}

async function format(jars: string, properties: string): Promise<void> {
  await run('java', [
    ...JVM_FLAGS,
    ...LOG_FLAGS,
    '-cp',
    `${jars}/*`,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    newClusterId(),
    '-c',
    properties,
  ]);
}

async function run(command: 'java', args: readonly string[]): Promise<void> {
  await explained(command, promisify(execFile)(command, args));
}

async function explained<T>(command: 'java' | 'mvn', work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { code, stdout, stderr } = error as NodeJS.ErrnoException & { stdout?: string; stderr?: string };
    if (code === 'ENOENT') {
      const what = command === 'java' ? 'Java 17 or newer' : 'Apache Maven';
      throw new Error(
        `${what} is needed for the local Kafka and was not found on the PATH; install it, or give brokers as KAFKA_BROKERS.`,
        { cause: error },
      );
    }
    throw new Error(`${command} failed: ${[stdout, stderr].join('\n').trim().split('\n').slice(-15).join('\n')}`, { cause: error });
  }
}

/** A broker that lists itself has left its start-up fence: topics can be made and clients served. */
async function answersAsBroker(broker: string): Promise<boolean> {
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING, connectionTimeout: 1_000, retry: { retries: 0 } });
  const admin = kafka.admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length > 0;
  } finally {
    await admin.disconnect();
  }
}

function serverProperties({ dataDir, port, controllerPort, proxied = [] }: KafkaOptions): string {
  const more = (of: 'port' | 'advertisedPort'): string => proxied.map((each, index) => `,PROXIED${index}://127.0.0.1:${each[of]}`).join('');
  const settings: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port}${more('port')},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}${more('advertisedPort')}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': ['PLAINTEXT', 'CONTROLLER', ...proxied.map((_, index) => `PROXIED${index}`)]
      .map((name) => `${name}:PLAINTEXT`)
      .join(','),
    'log.dirs': join(dataDir, 'data'),
    'auto.create.topics.enable': false,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    // Topics are our history, and a stack may rest for months: neither records nor the groups' offsets may expire.
    'log.retention.ms': -1,
    'offsets.retention.minutes': 5_256_000,
    'log.cleaner.dedupe.buffer.size': 2_097_152,
    'num.network.threads': 1,
    'num.io.threads': 2,
    'num.recovery.threads.per.data.dir': 1,
    // A broker that left without a word is waited for until its session ends, also by itself: 9 s of every start after a kill.
    'controlled.shutdown.enable': true,
    'broker.session.timeout.ms': 2_500,
    'broker.heartbeat.interval.ms': 500,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
