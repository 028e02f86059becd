import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY_ROOT } from '../paths.js';
import type { DayRange } from '../replay/trade.js';

const TOTALS = ['orders', 'lines', 'skus', 'customers', 'guestOrders', 'units', 'revenuePence'] as const;

/** Runs the stack's own commands (replay, verify, rebuild) as processes of their own, as an operator would. */
export class StackCommands {
  private readonly scratch = mkdtempSync(join(tmpdir(), 'tidemark-drill-'));
  private reports = 0;

  constructor(
    private readonly file: string,
    private readonly range: DayRange,
  ) {}

  /**
   * Replays the range, or one day of it, once with every payment accepted; answers its totals as comparable text. Throws when the
   * replay is not satisfied.
   */
  async replay(concurrency: number, day?: string): Promise<string> {
    this.reports += 1;
    const report = join(this.scratch, `${this.reports}.json`);
    const { from, to } = day === undefined ? this.range : { from: day, to: day };
    const args = ['--file', this.file, '--all-paid', '--concurrency', String(concurrency), '--report', report];
    if (from !== null) args.push('--from', from);
    if (to !== null) args.push('--to', to);
    const code = await this.run('dev/replay/main.js', args, 'ignore');
    if (code !== 0) throw new Error(`a replay ended with exit code ${code}: run "npm run replay" with the same options to see why`);
    return totalsOf((JSON.parse(readFileSync(report, 'utf8')) as { totals: object }).totals);
  }

  /** Whether every invariant holds; prints the lines of `npm run verify`. */
  async verify(): Promise<boolean> {
    return (await this.run('dev/verify/main.js', [], 'inherit')) === 0;
  }

  /** Whether every projection was rebuilt, equal to the live one, and swapped; prints the lines of `npm run rebuild -- all`. */
  async rebuildAll(): Promise<boolean> {
    return (await this.run('apps/projector/rebuild.js', ['all'], 'inherit')) === 0;
  }

  close(): void {
    rmSync(this.scratch, { recursive: true, force: true });
  }

  private run(script: string, args: readonly string[], stdout: 'inherit' | 'ignore'): Promise<number | null> {
    const child = spawn(process.execPath, [join(REPOSITORY_ROOT, 'dist', script), ...args], { stdio: ['ignore', stdout, stdout] });
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', resolve);
    });
  }
}

/** The figures two replays, or a replay and a file of expected figures, are compared by. */
export function totalsOf(source: object): string {
  return JSON.stringify(Object.fromEntries(TOTALS.map((name) => [name, (source as Record<string, unknown>)[name]])));
}
