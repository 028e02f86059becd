import { rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { REPOSITORY_ROOT } from '../../dev/paths.js';
import { benchFolder, BenchServers } from './bench-servers.js';
import { startBenchStack, type BenchStack, type BenchStackOptions } from './bench-stack.js';
import { ContenderProcess } from './contender-process.js';
import { installPeers } from './peers.js';

interface Pace {
  readonly rounds: number;
  /** Milliseconds of one round of one contender, where a row has no better measure of its own. */
  readonly roundMs: number;
}

const FULL: Pace = { rounds: 3, roundMs: 1_500 };
const QUICK: Pace = { rounds: 1, roundMs: 500 };

export interface BenchContextOptions {
  readonly quick: boolean;
  /** Tells a person what is being done. */
  readonly say: (line: string) => void;
  /** Of several rows together, for their databases; closed by whoever made them. Default: servers of its own. */
  readonly servers?: BenchServers;
  /** The Online Retail data set, for the row that replays it. */
  readonly retailFile?: string;
}

/** What a row measures on: servers, contenders and a folder, all of which end with it. `close` ends them, the last first. */
export class BenchContext {
  readonly quick: boolean;
  readonly say: (line: string) => void;
  readonly retailFile: string | undefined;
  readonly pace: Pace;
  readonly folder = benchFolder();
  private readonly servers: BenchServers;
  /** What is never shared: the broker, and the server whose log is decoded. */
  private readonly own = new BenchServers();
  private readonly closing: (() => Promise<void> | void)[] = [];
  private stacks = 0;

  constructor({ quick, say, servers, retailFile }: BenchContextOptions) {
    this.quick = quick;
    this.say = say;
    this.retailFile = retailFile;
    this.pace = quick ? QUICK : FULL;
    this.onClose(() => rmSync(this.folder, { recursive: true, force: true }));
    this.onClose(() => this.own.close());
    this.servers = servers ?? this.own;
  }

  /** See {@link BenchServers.database}. */
  database(options: { readonly migrated?: boolean; readonly logical?: boolean } = {}): Promise<string> {
    return (options.logical === true ? this.own : this.servers).database(options);
  }

  /** `host:port` of the row's own broker. */
  kafka(): Promise<string> {
    return this.own.kafka();
  }

  /** All of Tidemark, as `npm start` runs it, on ports and in a folder of its own. */
  async stack(options: BenchStackOptions = {}): Promise<BenchStack> {
    const stack = await startBenchStack(join(this.folder, `stack-${(this.stacks += 1)}`), options);
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
    // What their libraries will do in a next version (DBOS: two queries at once on one client of pg) is not ours to be told.
    return await this.opened(name, join(REPOSITORY_ROOT, 'bench', 'peers', `${module}.mjs`), settings, ['--no-deprecation']);
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

  private async opened(name: string, module: string, settings: unknown, execArgv?: readonly string[]): Promise<ContenderProcess> {
    const contender = await ContenderProcess.open(name, module, settings, execArgv);
    this.onClose(() => contender.close());
    return contender;
  }
}
