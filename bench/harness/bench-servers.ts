import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DURABLE_SETTINGS, ensureDatabase, removeCluster, startPostgres, type RunningPostgres } from '../../dev/embedded-postgres.js';
import { startKafka, type RunningKafka } from '../../dev/kafka.js';
import { freePorts } from '../../dev/ports.js';
import { migrate } from '../../migrations/migrate.js';

/** A new folder below the system's temporary one. */
export function benchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
  // PostgreSQL may run as another user, who has to get in.
  chmodSync(folder, 0o755);
  return folder;
}

/**
 * PostgreSQL and Kafka with production settings, on loopback and free ports, in a folder that goes with them. Each is started when it is
 * first asked for; `close` ends them, the last first.
 */
export class BenchServers {
  private readonly folder = benchFolder();
  private readonly closing: (() => Promise<void> | void)[] = [];
  private readonly clusters = new Map<'replica' | 'logical', Promise<RunningPostgres>>();
  private broker: Promise<RunningKafka> | undefined;
  private databases = 0;

  constructor() {
    this.closing.push(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  /**
   * A fresh, empty database, migrated unless a contender makes its tables itself.
   * @param logical on a server of its own whose write-ahead log can be decoded, which the others are not to pay for
   */
  async database({ migrated = true, logical = false } = {}): Promise<string> {
    const running = await this.cluster(logical ? 'logical' : 'replica');
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

  async close(): Promise<void> {
    for (const close of this.closing.splice(0).reverse()) await close();
  }

  private cluster(walLevel: 'replica' | 'logical'): Promise<RunningPostgres> {
    const cluster = this.clusters.get(walLevel) ?? this.startPostgres(walLevel);
    this.clusters.set(walLevel, cluster);
    return cluster;
  }

  private async startPostgres(walLevel: string): Promise<RunningPostgres> {
    const [port = 0] = await freePorts(1);
    const dataDir = join(this.folder, `pgdata-${walLevel}`);
    const settings = { ...DURABLE_SETTINGS, wal_level: walLevel };
    const running = await startPostgres({ dataDir, port, logFile: join(this.folder, `postgres-${walLevel}.log`), settings });
    this.closing.push(async () => {
      await running.stop();
      removeCluster(dataDir);
    });
    return running;
  }

  private async startKafka(): Promise<RunningKafka> {
    const [port = 0, controllerPort = 0] = await freePorts(2);
    const logFile = join(this.folder, 'kafka.log');
    const running = await startKafka({ dataDir: join(this.folder, 'kafka'), port, controllerPort, logFile });
    this.closing.push(() => running.stop());
    return running;
  }
}
