import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { KafkaJsBroker } from '#messaging';
import { createLogger, type Logger } from '#platform';
import { pino } from 'pino';
import { migrate } from '../../../migrations/migrate.js';
import { APP_NAMES, spawnApp, waitForApp, type AppEnvironment, type AppName } from '../../apps.js';
import { DURABLE_SETTINGS, ensureDatabase, startPostgres } from '../../embedded-postgres.js';
import { kafkaJars, startKafka } from '../../kafka.js';
import { ManagedProcess, waitUntilReady } from '../../managed-process.js';
import { commandLineOf } from '../../process-table.js';
import type { Progress } from '../../progress.js';
import { removeStackFile, writeStackFile } from '../../stack-file.js';
import { Supervisor, type Service } from '../../supervisor.js';
import { Toxiproxy, type ProxyRoute } from '../proxy/toxiproxy.js';
import { FakeClock } from './fake-clock.js';
import { Gate } from './gate.js';
import { INSTANCES, REPLICAS, type Instance, type Replica } from './instance.js';
import type { StackPorts } from './stack-ports.js';

const HOST = '127.0.0.1';
export const DATABASE = 'tidemark';
export const TOPIC_PREFIX = 'tidemark';
/** A signal, up to 10 s for what is in flight, and a little. */
const APP_STOP_MS = 12_000;

export interface ChaosStackOptions {
  readonly stateDir: string;
  readonly ports: StackPorts;
  readonly progress: Progress;
  /** Program of the proxy; undefined: the apps reach PostgreSQL, Kafka and the gateway directly. */
  readonly proxyBinary: string | undefined;
  /** Longest pause before a process that keeps dying is started again, milliseconds; default the supervisor's. */
  readonly maxRestartDelayMs?: number;
  /** Library that lets the clocks of replica 2 be moved; undefined: they cannot be. */
  readonly clockLibrary?: string | undefined;
  /** Variables for every app. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * The stack under test: PostgreSQL with its production settings, Kafka, the gateway simulator, two processes of every app, each kept
 * running by the supervisor; proxies between them where there is a proxy.
 *
 * - What the apps know as PostgreSQL, Kafka and the gateway is a door of the proxy, one for each replica. Who watches and checks goes
 *   by the direct addresses, which no fault on the way touches.
 * - A process that a fault has ended comes back by itself; `keepDown` delays that.
 */
export class ChaosStack {
  readonly databaseUrl: string;
  readonly kafkaBrokers: readonly string[];
  readonly topicPrefix = TOPIC_PREFIX;
  readonly gatewayBook: string;
  readonly logDir: string;
  readonly logger: Logger;
  readonly proxy: Toxiproxy | undefined;
  private readonly supervisor: Supervisor;
  private readonly children = new Map<string, ManagedProcess>();
  private readonly gates = new Map<string, Gate>();
  private readonly clocks = new Map<string, FakeClock>();
  private readonly surges = new Set<ManagedProcess>();
  private readonly startedAt = new Date().toISOString();
  private stopping = false;

  constructor(private readonly options: ChaosStackOptions) {
    const { ports, stateDir, progress, proxyBinary, clockLibrary } = options;
    this.databaseUrl = `postgres://tidemark@${HOST}:${ports.postgres}/${DATABASE}`;
    this.kafkaBrokers = [`${HOST}:${ports.kafka}`];
    this.gatewayBook = join(stateDir, 'gateway', 'book.ndjson');
    this.logDir = join(stateDir, 'logs');
    mkdirSync(this.logDir, { recursive: true });
    this.logger = createLogger({
      app: 'chaos',
      level: 'warn',
      destination: pino.destination({ dest: join(this.logDir, 'chaos.log'), mkdir: true }),
    });
    this.proxy = proxyBinary === undefined ? undefined : new Toxiproxy(`http://${HOST}:${ports.proxyControl}`);
    const { maxRestartDelayMs } = options;
    if (clockLibrary !== undefined) {
      for (const { name } of INSTANCES.filter(({ replica }) => replica === 2)) {
        this.clocks.set(name, new FakeClock(clockLibrary, join(stateDir, `clock-${name}`)));
      }
    }
    this.supervisor = new Supervisor({ say: (line) => progress.report(line), onChange: () => this.record(), maxRestartDelayMs });
  }

  get commandUrls(): string[] {
    return REPLICAS.map((replica) => this.urlOf('command-api', replica));
  }

  get queryUrls(): string[] {
    return REPLICAS.map((replica) => this.urlOf('query-api', replica));
  }

  /** Where clients ask each instance of the two APIs, by its name. */
  get origins(): Readonly<Record<string, string>> {
    const asked = INSTANCES.filter(({ app }) => app === 'command-api' || app === 'query-api');
    return Object.fromEntries(asked.map(({ name, app, replica }) => [name, this.urlOf(app, replica)]));
  }

  urlOf(app: AppName, replica: Replica = 1): string {
    return `http://${HOST}:${this.options.ports.apps[replica][app]}`;
  }

  /** Running now, by the names of services: `relay-1`, `postgres`. */
  get processes(): ReadonlyMap<string, ManagedProcess> {
    return this.children;
  }

  processOf(service: string): ManagedProcess {
    const child = this.children.get(service);
    if (child === undefined) throw new Error(`the stack has no process ${service}`);
    return child;
  }

  /** Whether an instance's process runs and says that it does its work. Throws when it does not answer. */
  async isReady({ name, app, replica }: Instance): Promise<boolean> {
    return this.processOf(name).running && (await answersOk(`${this.urlOf(app, replica)}/health/ready`));
  }

  /** The clock of an instance of replica 2. */
  clockOf(instance: string): FakeClock {
    const clock = this.clocks.get(instance);
    if (clock === undefined) throw new Error(`the clock of ${instance} cannot be moved`);
    return clock;
  }

  /** When the process of this service ends, it is not started again before the answer is called. */
  keepDown(service: string): () => void {
    return this.gateOf(service).close();
  }

  /** Rejects with the first thing that failed; then `stop` still has to be called. */
  async start(): Promise<void> {
    const { progress, proxyBinary } = this.options;
    const phase = <T>(name: string, work: () => Promise<T>): Promise<T> => progress.phase(name, work);
    await phase('kafka download', kafkaJars);
    await Promise.all([
      this.supervisor.startGroup([this.postgres()], phase),
      this.supervisor.startGroup([this.kafka()], phase),
      ...(proxyBinary === undefined ? [] : [this.supervisor.startGroup([this.toxiproxy(proxyBinary)], phase)]),
    ]);
    await Promise.all([phase('migrations', () => migrate({ databaseUrl: this.databaseUrl })), phase('topics', () => this.ensureTopics())]);
    await this.supervisor.startGroup([this.gateway()], phase);
    await this.supervisor.startGroup(
      INSTANCES.map((instance) => this.app(instance)),
      phase,
    );
    this.record('running');
  }

  /**
   * One more process of an app, on a port of its own and outside the supervisor: it joins while others work, and leaves by SIGTERM.
   * Resolves when it is ready.
   */
  async surge({ app, replica }: Instance): Promise<{ stop(): Promise<void> }> {
    const environment = this.environmentOf(replica, `${app}-surge`);
    const surge = { ...environment, ports: { ...environment.ports, [app]: this.options.ports.surge } };
    const child = await spawnApp(app, surge, { ownGroup: true });
    this.surges.add(child);
    const stop = async (): Promise<void> => {
      await child.stop('SIGTERM', APP_STOP_MS);
      this.surges.delete(child);
    };
    if (this.stopping) await stop();
    try {
      await waitForApp(app, child, surge);
    } catch (error) {
      await stop();
      throw error;
    }
    return { stop };
  }

  /** Undoes whatever a fault may have left: every process runs or is being started, every door is open. */
  async healAll(): Promise<void> {
    this.gates.forEach((gate) => gate.forceOpen());
    for (const child of [...this.children.values(), ...this.surges]) child.kill('SIGCONT');
    await Promise.all([...this.surges].map((child) => child.stop('SIGTERM', APP_STOP_MS)));
    this.surges.clear();
    this.clocks.forEach((clock) => clock.set(0));
    await this.proxy?.reset();
  }

  async stop(): Promise<void> {
    this.stopping = true;
    this.gates.forEach((gate) => gate.forceOpen());
    // One that a fault has stopped would never hear of its end.
    for (const child of [...this.children.values(), ...this.surges]) child.kill('SIGCONT');
    await Promise.all([...this.surges].map((child) => child.stop('SIGTERM', APP_STOP_MS)));
    await this.supervisor.stopAll();
    removeStackFile(this.options.stateDir);
  }

  kill(): void {
    this.stopping = true;
    for (const child of this.surges) child.kill('SIGKILL');
    this.supervisor.killAll();
    removeStackFile(this.options.stateDir);
  }

  private postgres(): Service {
    const { ports, stateDir } = this.options;
    return this.service('postgres', 'SIGINT', 30_000, async (onSpawn) => {
      const running = await startPostgres({
        dataDir: join(stateDir, 'pgdata'),
        port: ports.postgres,
        logFile: join(this.logDir, 'postgres.log'),
        settings: DURABLE_SETTINGS,
        ownGroup: true,
        onSpawn,
      });
      await ensureDatabase(running, DATABASE);
    });
  }

  private kafka(): Service {
    const { ports, stateDir, proxyBinary } = this.options;
    const proxied = REPLICAS.map((replica) => ({ port: ports.kafkaBehind[replica], advertisedPort: ports.doors[replica].kafka }));
    return this.service('kafka', 'SIGTERM', 20_000, async (onSpawn) => {
      await startKafka({
        dataDir: join(stateDir, 'kafka'),
        port: ports.kafka,
        controllerPort: ports.kafkaController,
        ...(proxyBinary !== undefined && { proxied }),
        logFile: join(this.logDir, 'kafka.log'),
        ownGroup: true,
        onSpawn,
      });
    });
  }

  private toxiproxy(binary: string): Service {
    const { ports } = this.options;
    const routes = REPLICAS.flatMap((replica): ProxyRoute[] => [
      { name: `postgres-${replica}`, listenPort: ports.doors[replica].postgres, upstreamPort: ports.postgres },
      { name: `kafka-${replica}`, listenPort: ports.doors[replica].kafka, upstreamPort: ports.kafkaBehind[replica] },
      { name: `gateway-${replica}`, listenPort: ports.doors[replica].gateway, upstreamPort: ports.gateway },
    ]);
    return this.service('toxiproxy', 'SIGTERM', 5_000, async (onSpawn) => {
      const child = await ManagedProcess.start({
        name: 'toxiproxy',
        command: binary,
        args: ['-host', HOST, '-port', String(ports.proxyControl)],
        env: { LOG_LEVEL: 'warn' },
        logFile: join(this.logDir, 'toxiproxy.log'),
        ownGroup: true,
      });
      onSpawn(child);
      await waitUntilReady(child, () => this.proxy!.isUp(), 15_000);
      for (const route of routes) await this.proxy!.add(route);
    });
  }

  private gateway(): Service {
    return this.service('gateway', 'SIGTERM', APP_STOP_MS, (onSpawn) => this.startApp('gateway', this.environmentOf(1, ''), onSpawn));
  }

  private app({ name, app, replica }: Instance): Service {
    return this.service(name, 'SIGTERM', APP_STOP_MS, (onSpawn) =>
      this.startApp(app, this.environmentOf(replica, String(replica)), onSpawn),
    );
  }

  private async startApp(app: AppName, environment: AppEnvironment, onSpawn: (child: ManagedProcess) => void): Promise<void> {
    const child = await spawnApp(app, environment, { ownGroup: true });
    onSpawn(child);
    await waitForApp(app, child, environment);
  }

  private service(name: string, signal: NodeJS.Signals, stopMs: number, start: Service['start']): Service {
    return {
      name,
      start: async (onSpawn) => {
        await this.gateOf(name).pass();
        await start((child) => {
          this.children.set(name, child);
          onSpawn(child);
        });
      },
      stop: (child) => {
        child.kill('SIGCONT');
        return child.stop(signal, stopMs);
      },
    };
  }

  private gateOf(service: string): Gate {
    const known = this.gates.get(service) ?? new Gate();
    this.gates.set(service, known);
    return known;
  }

  private environmentOf(replica: Replica, logs: string): AppEnvironment {
    const { ports, proxyBinary, env } = this.options;
    const door =
      proxyBinary === undefined ? { postgres: ports.postgres, kafka: ports.kafka, gateway: ports.gateway } : ports.doors[replica];
    return {
      databaseUrl: `postgres://tidemark@${HOST}:${door.postgres}/${DATABASE}`,
      kafkaBrokers: [`${HOST}:${door.kafka}`],
      topicPrefix: TOPIC_PREFIX,
      gatewayBook: this.gatewayBook,
      ports: ports.apps[replica],
      host: HOST,
      logDir: join(this.logDir, logs),
      logLevel: 'info',
      extraEnv: Object.fromEntries(
        APP_NAMES.map((app) => [
          app,
          {
            ...env,
            ...this.clocks.get(`${app}-${replica}`)?.env,
            ...(app === 'orchestrator' && { GATEWAY_URL: `http://${HOST}:${door.gateway}` }),
          },
        ]),
      ),
    };
  }

  private async ensureTopics(): Promise<void> {
    const admin = new KafkaJsBroker({
      brokers: this.kafkaBrokers,
      clientId: 'chaos',
      topicPrefix: TOPIC_PREFIX,
      logger: this.logger,
    }).admin();
    try {
      await admin.ensureTopics();
    } finally {
      await admin.close();
    }
  }

  /** So that what a killed run leaves can be ended by the next, and `npm run verify` and `npm run usage` find this stack. */
  private record(state: 'starting' | 'running' = 'starting'): void {
    const entry = (name: string, pid: number) => ({ name, pid, commandLine: commandLineOf(pid) });
    const running = [...this.children].filter(([, child]) => child.running).reverse();
    writeStackFile(
      {
        startedAt: this.startedAt,
        state,
        databaseUrl: this.databaseUrl,
        kafkaBrokers: this.kafkaBrokers,
        topicPrefix: TOPIC_PREFIX,
        urls: {
          commandApi: this.urlOf('command-api'),
          queryApi: this.urlOf('query-api'),
          relay: this.urlOf('relay'),
          orchestrator: this.urlOf('orchestrator'),
          projector: this.urlOf('projector'),
          gateway: this.urlOf('gateway'),
        },
        processes: [entry('supervisor', process.pid), ...running.map(([name, child]) => entry(name, child.pid))],
        gatewayBook: this.gatewayBook,
      },
      this.options.stateDir,
    );
  }
}

/** Throws when there is no answer. */
export async function answersOk(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  await response.body?.cancel();
  return response.ok;
}
