import { told, type Comparison } from './row.js';
import type { Result } from './rounds.js';

const COLUMNS = ['contender', 'median', 'low … high', 'Tidemark is', 'p50', 'p99'] as const;

/** A comparison as Markdown: each contender, and how many times as fast as it Tidemark is. */
export function asMarkdown({ what, unit, results, unrelated = false, goals, notes = [] }: Comparison): string {
  const ours = unrelated ? undefined : results[0];
  const lines = results.map((result) => cells(result, unit, result === ours ? undefined : ours).join(' | '));
  return [
    `**${what}**`,
    '',
    `| ${COLUMNS.join(' | ')} |`,
    `| ${COLUMNS.map((_, index) => (index === 0 ? '---' : '--:')).join(' | ')} |`,
    ...lines.map((line) => `| ${line} |`),
    '',
    ...goals.map(({ wanted, measured, reached }) => `- ${wanted}: ${measured}, ${reached ? 'reached' : '**not reached**'}`),
    ...notes.map((note) => `- ${note}`),
    '',
  ].join('\n');
}

/** The same for a terminal. */
export function asText({ what, unit, results, unrelated = false, goals, notes = [] }: Comparison): string {
  const ours = unrelated ? undefined : results[0];
  const rows = [COLUMNS as readonly string[], ...results.map((result) => cells(result, unit, result === ours ? undefined : ours))];
  const widths = COLUMNS.map((_, index) => Math.max(...rows.map((row) => (row[index] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0))).join('   ');
  return [
    what,
    ...rows.map((row) => `  ${line(row)}`),
    ...goals.map(({ wanted, measured, reached }) => `  ${reached ? '✓' : '✗'} ${wanted}: ${measured}`),
    ...notes.map((note) => `  · ${note}`),
  ].join('\n');
}

function cells({ name, perSecond, latency }: Result, unit: string, ours: Result | undefined): string[] {
  const { median, low, high } = perSecond;
  const ratio = ours === undefined ? '' : `${told(ours.perSecond.median / median)} ×`;
  const ms = (value: number | undefined): string => (value === undefined ? '' : `${told(value)} ms`);
  return [
    name,
    unit === 'MiB' || unit === '%' ? `${told(median)} ${unit}` : `${told(median)} ${unit}/s`,
    `${told(low)} … ${told(high)}`,
    ratio,
    ms(latency?.p50),
    ms(latency?.p99),
  ];
}
