// Proves: under faults of many kinds nothing is lost, doubled or stuck (the short version of what `npm run chaos` does for an hour),
// and whoever interrupts such a run is left with no process.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { endLeftovers } from '../dev/leftovers.js';
import { REPOSITORY_ROOT } from '../dev/paths.js';
import { isOurs, readStackFile } from '../dev/stack-file.js';
import { waitFor } from './harness/index.js';

const MINUTES = 5;
const SEED = 20_261;
/** Start, settling, standing still, and checks, on a busy machine. */
const AROUND_MS = 420_000;

let state: string;

beforeEach(({ onTestFailed }) => {
  state = mkdtempSync(join(tmpdir(), 'tidemark-chaos-'));
  const kept = state;
  onTestFailed(() => void process.stdout.write(`    kept: what the run left is in ${kept}\n`));
});
afterEach(async ({ task }) => {
  for (const run of runFolders()) await endLeftovers(run);
  if (task.result?.state !== 'fail') rmSync(state, { recursive: true, force: true });
}, 120_000);

class Run {
  output = '';
  readonly exited: Promise<unknown[]>;
  private readonly child: ChildProcess;

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, [join(REPOSITORY_ROOT, 'dist/dev/chaos/main.js'), ...args], {
      env: { ...process.env, TIDEMARK_STATE_DIR: state },
    });
    this.child.stdout!.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.child.stderr!.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.exited = once(this.child, 'close');
  }

  interrupt(): void {
    this.child.kill('SIGINT');
  }
}

describe('a run under faults', () => {
  test(
    'holds every invariant',
    async () => {
      const report = join(state, 'report.md');
      const run = new Run('--minutes', String(MINUTES), '--seed', String(SEED), '--report', report);
      const [code] = await run.exited;
      expect(code, run.output.slice(-20_000)).toBe(0);
      const { faults, counts, missing } = JSON.parse(readFileSync(join(state, 'report.json'), 'utf8')) as {
        faults: { kind: string }[];
        counts: { accepted: number; unknown: number };
        missing: string[];
      };
      // A machine that has no proxy or cannot shift a clock proves less, and says so.
      if (process.env.TIDEMARK_ALL_FAULTS === '1') expect(missing).toEqual([]);
      missing.forEach((line) => process.stdout.write(`    ${line}\n`));
      expect(new Set(faults.map(({ kind }) => kind)).size).toBeGreaterThanOrEqual(MINUTES * 3);
      expect(counts.accepted).toBeGreaterThan(MINUTES * 60 * 10);
      expect(counts.unknown).toBe(0);
      // A run that passes leaves nothing but its report.
      expect(runFolders()).toEqual([]);
    },
    MINUTES * 60_000 + AROUND_MS,
  );

  test('ends in order when it is interrupted, and keeps its folder', async () => {
    const run = new Run('--minutes', '5', '--seed', '1', '--faults', 'kill relay');
    await waitFor(() => run.output.includes(' accepted '), { deadlineMs: 120_000, everyMs: 200, what: 'load' });
    const [folder = ''] = runFolders();
    expect(folder).not.toBe('');
    const { processes } = readStackFile(folder);
    expect(processes.length).toBeGreaterThan(10);
    run.interrupt();
    const [code] = await run.exited;
    expect(code, run.output).toBe(130);
    expect(processes.filter(isOurs)).toEqual([]);
    expect(runFolders()).toEqual([folder]);
  }, 240_000);
});

function runFolders(): string[] {
  const folder = join(state, 'chaos');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [join(folder, entry.name)] : []));
}
