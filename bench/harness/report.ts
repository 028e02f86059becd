import { cpus, release, totalmem } from 'node:os';
import type { BenchRow, Comparison } from './row.js';
import { asMarkdown } from './table.js';

export interface RowReport {
  readonly row: Pick<BenchRow, 'name' | 'measures'>;
  readonly seconds: number;
  readonly comparisons: readonly Comparison[];
}

/** Everything that was measured, as Markdown, with the machine and the day. */
export function reportOf(rows: readonly RowReport[], at: Date): string {
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`;
  return [
    `Measured on ${at.toISOString().slice(0, 10)} by \`npm run bench\` (${machine}). Contenders took turns, round by round, each in a process of its own; the`,
    'figures are medians of the rounds. Only ratios say something about another machine.',
    '',
    ...rows.flatMap(({ row, seconds, comparisons }) => [
      `## ${row.measures}`,
      '',
      `\`npm run bench -- ${row.name}\`, ${Math.round(seconds)} s`,
      '',
      ...comparisons.map(asMarkdown),
    ]),
  ].join('\n');
}
