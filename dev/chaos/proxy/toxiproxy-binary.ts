import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY_ROOT } from '../../paths.js';

const VERSION = 'v2.12.0';
const PACKAGE = `github.com/Shopify/toxiproxy/v2/cmd/server@${VERSION}`;
/** From an empty cache of modules on a slow line. */
const BUILD_DEADLINE_MS = 600_000;

/** Why there is no proxy on this machine: a sentence for the terminal. */
export class NoProxyError extends Error {}

/**
 * The Toxiproxy server, built from its Go module the first time and kept in .tidemark-cache.
 * Throws NoProxyError where there is no Go, or it cannot be built.
 */
export async function toxiproxyBinary(onBuild: () => void = () => undefined): Promise<string> {
  const folder = join(REPOSITORY_ROOT, '.tidemark-cache', `toxiproxy-${VERSION}`);
  const binary = join(folder, 'server');
  if (existsSync(binary)) return binary;
  onBuild();
  mkdirSync(join(REPOSITORY_ROOT, '.tidemark-cache'), { recursive: true });
  // Built beside and renamed: an interrupted build, or two at once, never leave half a program.
  const scratch = mkdtempSync(`${folder}-`);
  try {
    await promisify(execFile)('go', ['install', PACKAGE], {
      cwd: scratch,
      env: { ...process.env, GOBIN: scratch, GOFLAGS: '' },
      timeout: BUILD_DEADLINE_MS,
    });
    renameSync(scratch, folder);
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true });
    if (!existsSync(binary)) throw whyNot(error as NodeJS.ErrnoException & { stderr?: string });
  }
  return binary;
}

function whyNot(error: NodeJS.ErrnoException & { stderr?: string }): NoProxyError {
  if (error.code === 'ENOENT') return new NoProxyError('there is no Go on the PATH to build Toxiproxy with');
  return new NoProxyError(`Toxiproxy ${VERSION} could not be built: ${(error.stderr || error.message).trim().split('\n').at(-1)}`);
}
