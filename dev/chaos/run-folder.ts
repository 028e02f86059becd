import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { removeCluster } from '../embedded-postgres.js';
import { endLeftovers } from '../leftovers.js';
import { stateDir } from '../paths.js';
import { findStackFile, isOurs } from '../stack-file.js';

/** Where the runs are, one folder each. */
const chaosDir = (): string => join(stateDir(), 'chaos');

export interface RunFolder {
  readonly path: string;
  readonly history: string;
  readonly samples: string;
  readonly faults: string;
  readonly report: string;
  /** With everything in it, wherever PostgreSQL really keeps its files. */
  remove(): void;
}

/** A new folder for a run; ends first what killed runs have left running. */
export async function newRunFolder(seed: number, now = new Date()): Promise<RunFolder> {
  await endOrphans();
  const stamp = now.toISOString().slice(0, 19).replaceAll(':', '').replace('T', '-');
  const path = join(chaosDir(), `${stamp}-seed-${seed}`);
  mkdirSync(path, { recursive: true });
  return runFolder(path);
}

/** One that is there. */
export function runFolder(path: string): RunFolder {
  return {
    path,
    history: join(path, 'history.jsonl'),
    samples: join(path, 'samples.jsonl'),
    faults: join(path, 'faults.json'),
    report: join(path, 'report.md'),
    remove: () => {
      removeCluster(join(path, 'pgdata'));
      rmSync(path, { recursive: true, force: true });
    },
  };
}

async function endOrphans(): Promise<void> {
  if (!existsSync(chaosDir())) return;
  for (const name of readdirSync(chaosDir())) {
    const directory = join(chaosDir(), name);
    const supervisor = findStackFile(directory)?.processes.find((entry) => entry.name === 'supervisor');
    if (supervisor !== undefined && !isOurs(supervisor)) await endLeftovers(directory);
  }
}
