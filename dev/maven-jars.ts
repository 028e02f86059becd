import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { REPOSITORY_ROOT } from './paths.js';

/**
 * The folder with the jars of a pom.xml; fetched by Maven once a checkout and kept in .tidemark-cache. Throws when Maven is missing (as
 * ENOENT) or fails.
 */
export async function jarsOf(name: string, pom: string): Promise<string> {
  const jars = jarFolder(name, pom);
  if (existsSync(jars)) return jars;
  mkdirSync(dirname(jars), { recursive: true });
  // Collected beside and renamed: two starts at once, or an interrupted one, never leave a folder with only some of the jars.
  const scratch = mkdtempSync(`${jars}-`);
  try {
    await promisify(execFile)('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${scratch}`]);
    renameSync(scratch, jars);
  } catch (error) {
    rmSync(scratch, { recursive: true, force: true });
    if (!existsSync(jars)) throw error;
  }
  return jars;
}

/** Whether they are there, so that nothing needs the network. */
export function hasJars(name: string, pom: string): boolean {
  return existsSync(jarFolder(name, pom));
}

/** Another set of versions is another folder. */
function jarFolder(name: string, pom: string): string {
  const version = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12);
  return join(REPOSITORY_ROOT, '.tidemark-cache', `${name}-${version}`);
}
