import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** The checkout: the folder with package.json above this file, whether it runs from source or from dist. */
export const REPOSITORY_ROOT = findRoot(import.meta.dirname);

/** Where the local stack keeps its data, logs and stack.json. Not under version control. */
export function stateDir(env: NodeJS.ProcessEnv = process.env): string {
  return env.TIDEMARK_STATE_DIR ? resolve(env.TIDEMARK_STATE_DIR) : join(REPOSITORY_ROOT, '.tidemark');
}

function findRoot(from: string): string {
  if (existsSync(join(from, 'package.json'))) return from;
  const parent = dirname(from);
  if (parent === from) throw new Error(`no package.json above ${import.meta.dirname}`);
  return findRoot(parent);
}
