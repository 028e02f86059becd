import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { DURABLE_SETTINGS, ensureDatabase, removeCluster, startPostgres, type RunningPostgres } from '../../dev/embedded-postgres.js';
import { startKafka, type RunningKafka } from '../../dev/kafka.js';
import { REPOSITORY_ROOT } from '../../dev/paths.js';
import { freePorts } from '../../dev/ports.js';
import { migrate } from '../../migrations/migrate.js';
import { ContenderProcess } from './contender-process.js';
import { installPeers } from './peers.js';
import { startBenchStack, type BenchStack, type BenchStackOptions } from './bench-stack.js';

interface Pace {
  readonly rounds: number;
  /** Milliseconds of one round of one contender, where a row has no better measure of its own. */
  readonly roundMs: number;
}

const FULL: Pace = { rounds: 3, roundMs: 1_500 };
const QUICK: Pace = { rounds: 1, roundMs: 500 };

/**
 * What a row measures on: a PostgreSQL and a Kafka of its own with production settings, on loopback and free ports, in a folder that
 * goes with it. Everything is started when it is first asked for; `close` ends it all, the last first.
 */
export class BenchContext {
  readonly pace: Pace;
  readonly folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
  private readonly closing: (() => Promise<void> | void)[] = [];
  private readonly servers = new Map<'replica' | 'logical', Promise<RunningPostgres>>();
  private broker: Promise<RunningKafka> | undefined;
  private databases = 0;

  /**
   * @param say tells a person what is being done
   * @param retailFile the Online Retail data set, for the row that replays it
   */
  constructor(
    readonly quick: boolean,
    readonly say: (line: string) => void,
    readonly retailFile?: string,
  ) {
    this.pace = quick ? QUICK : FULL;
    // PostgreSQL may run as another user, who has to get in.
    chmodSync(this.folder, 0o755);
    this.onClose(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  /**
   * A fresh, empty database, migrated unless a contender makes its tables itself.
   * @param logical on a server of its own whose write-ahead log can be decoded, which the others are not to pay for
   */
  async database({ migrated = true, logical = false } = {}): Promise<string> {
    const running = await this.server(logical ? 'logical' : 'replica');
    const name = `bench_${(this.databases += 1)}`;
    await ensureDatabase(running, name);
    if (migrated) await migrate({ databaseUrl: running.urlOf(name) });
    return running.urlOf(name);
  }

  /** `host:port` of the broker. */
  async kafka(): Promise<string> {
    this.broker ??= this.startKafka();
    return (await this.broker).broker;
  }

  /** All of Tidemark, as `npm start` runs it, on ports and in a folder of its own. */
  async stack(options: BenchStackOptions = {}): Promise<BenchStack> {
    const stack = await startBenchStack(join(this.folder, `stack-${(this.databases += 1)}`), options);
    this.onClose(() => stack.stop());
    return stack;
  }

  /** @param module of a contender of ours, as it lies below `bench/`: `append/tidemark.contender` */
  async contender(name: string, module: string, settings: unknown): Promise<ContenderProcess> {
    return await this.opened(name, join(REPOSITORY_ROOT, 'dist', 'bench', `${module}.js`), settings);
  }

  /** @param module of a peer, as it lies below `bench/peers/`: `emmett-append`. Its packages are installed the first time. */
  async peer(name: string, module: string, settings: unknown): Promise<ContenderProcess> {
    await installPeers(this.say);
    return await this.opened(name, join(REPOSITORY_ROOT, 'bench', 'peers', `${module}.mjs`), settings);
  }

  /** Between rounds: nothing of the last one is left to be written in the next one. */
  async settle(databaseUrl: string): Promise<void> {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    try {
      await client.query('CHECKPOINT');
    } finally {
      await client.end();
    }
  }

  /** Run when the row is over, the last first, also when it failed. */
  onClose(close: () => Promise<void> | void): void {
    this.closing.push(close);
  }

  async close(): Promise<void> {
    for (const close of this.closing.splice(0).reverse()) await close();
  }

  private async opened(name: string, module: string, settings: unknown): Promise<ContenderProcess> {
    const contender = await ContenderProcess.open(name, module, settings);
    this.onClose(() => contender.close());
    return contender;
  }

  private server(walLevel: 'replica' | 'logical'): Promise<RunningPostgres> {
    const server = this.servers.get(walLevel) ?? this.startPostgres(walLevel);
    this.servers.set(walLevel, server);
    return server;
  }

  private async startPostgres(walLevel: string): Promise<RunningPostgres> {
    const [port = 0] = await freePorts(1);
    const dataDir = join(this.folder, `pgdata-${walLevel}`);
    const settings = { ...DURABLE_SETTINGS, wal_level: walLevel };
    const running = await startPostgres({ dataDir, port, logFile: join(this.folder, `postgres-${walLevel}.log`), settings });
    this.onClose(async () => {
      await running.stop();
      removeCluster(dataDir);
    });
    return running;
  }

  private async startKafka(): Promise<RunningKafka> {
    const [port = 0, controllerPort = 0] = await freePorts(2);
    const logFile = join(this.folder, 'kafka.log');
    const running = await startKafka({ dataDir: join(this.folder, 'kafka'), port, controllerPort, logFile });
    this.onClose(() => running.stop());
    return running;
  }
}
