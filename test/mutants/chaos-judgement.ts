import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Invariant, Mutant } from './mutant.js';
import { MutatedTree } from './mutated-tree.js';

/** What the fault runner's own judges said of a mutant. */
export interface ChaosJudgement {
  readonly mutant: Mutant;
  /** Invariants they found violated; undefined when the run came to no verdict. */
  readonly violated: readonly Invariant[] | undefined;
  /** The first thing they said. */
  readonly first: string;
  readonly durationMs: number;
}

interface Report {
  readonly invariants: readonly {
    readonly id: Invariant;
    readonly ok: boolean;
    readonly violations: readonly { readonly what: string }[];
  }[];
}

export interface ChaosOptions {
  readonly root: string;
  readonly minutes: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** Builds a mutant and puts it under load and faults, as anybody would: the judges know nothing of it. */
export async function judgedByChaos(mutant: Mutant, { root, minutes, seed, signal }: ChaosOptions): Promise<ChaosJudgement> {
  const startedAt = performance.now();
  const tree = MutatedTree.copyOf(root);
  try {
    // Kafka and Toxiproxy need not be fetched and built again.
    symlinkSync(join(root, '.tidemark-cache'), join(tree.root, '.tidemark-cache'), 'dir');
    tree.apply(mutant.edits);
    const report = join(tree.root, 'chaos.md');
    const log = createWriteStream(join(tree.root, 'chaos.log'));
    const args = ['dev/bootstrap.mjs', 'chaos', '--minutes', String(minutes), '--seed', String(seed), '--report', report];
    const child = spawn(process.execPath, args, { cwd: tree.root, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    // It ends its stack in order.
    const end = (): void => void child.kill('SIGINT');
    signal.addEventListener('abort', end, { once: true });
    await once(child, 'exit');
    signal.removeEventListener('abort', end);
    const json = report.replace(/\.md$/, '.json');
    const violated = existsSync(json) ? (JSON.parse(readFileSync(json, 'utf8')) as Report).invariants.filter(({ ok }) => !ok) : undefined;
    const first = violated?.find(({ id }) => mutant.breaks.includes(id)) ?? violated?.[0];
    return {
      mutant,
      violated: violated?.map(({ id }) => id),
      first: first === undefined ? lastLineOf(join(tree.root, 'chaos.log')) : `${first.id}: ${first.violations[0]?.what ?? ''}`,
      durationMs: performance.now() - startedAt,
    };
  } finally {
    tree.remove();
  }
}

/** Whether they saw what it breaks. */
export const isSeen = ({ mutant, violated = [] }: ChaosJudgement): boolean =>
  mutant.breaks.some((invariant) => violated.includes(invariant));

const lastLineOf = (file: string): string => readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '';
