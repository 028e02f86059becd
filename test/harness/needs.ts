import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';

export interface Needs {
  readonly postgres: boolean;
  readonly kafka: boolean;
  /** The compiled apps, to be run as processes. */
  readonly build: boolean;
}

/**
 * What the specs of this run need, found by reading them and what they import by relative paths: a run of pure specs must not
 * wait for a database and a broker it never speaks to.
 */
export async function needsOf(project: TestProject): Promise<Needs> {
  const filters = (project.vitest as unknown as { filenamePattern?: string[] }).filenamePattern;
  const { testFiles } = await project.globTestFiles(filters);
  const texts = readReachable(testFiles);
  const build = texts.some((text) => /startTestStack|'dist\//.test(text));
  const kafka = texts.some((text) => /startTestStack|inject\('kafkaBrokers'\)/.test(text));
  return { build, kafka, postgres: kafka || texts.some((text) => /createTestDatabase|inject\('databaseUrl'\)/.test(text)) };
}

function readReachable(files: readonly string[]): string[] {
  const queue = [...files];
  const seen = new Set<string>();
  const texts: string[] = [];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    // The harness mentions everything; what counts is who uses it.
    if (seen.has(file) || dirname(file) === import.meta.dirname || !existsSync(file)) continue;
    seen.add(file);
    const text = readFileSync(file, 'utf8');
    texts.push(text);
    for (const [, path] of text.matchAll(/from '(\.{1,2}\/[^']+)\.js'/g)) queue.push(join(dirname(file), `${path}.ts`));
  }
  return texts;
}
