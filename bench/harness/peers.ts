import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY_ROOT } from '../../dev/paths.js';

const PEERS = join(REPOSITORY_ROOT, 'bench', 'peers');

/** Installs what Tidemark is measured beside, unless it is there as the lock file says. It is no part of the product's own packages. */
export async function installPeers(say: (line: string) => void): Promise<void> {
  if (isInstalled()) return;
  say('  installing what is measured beside (bench/peers) …');
  const child = spawn('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: PEERS, stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`npm ci in bench/peers failed (exit code ${code}); rows without peers can be asked for by name`);
}

function isInstalled(): boolean {
  const installed = join(PEERS, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const packages = (file: string): Record<string, { version?: string; optional?: boolean; devOptional?: boolean; peer?: boolean }> =>
    (JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, { version?: string }> }).packages;
  const [there, wanted] = [packages(installed), packages(join(PEERS, 'package-lock.json'))];
  return Object.entries(wanted).every(
    ([path, { version, optional, devOptional, peer }]) =>
      path === '' || (there[path] === undefined ? (optional ?? devOptional ?? peer ?? false) : there[path].version === version),
  );
}
