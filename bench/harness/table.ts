import { told, type Comparison } from './row.js';
import type { Result } from './rounds.js';

const COLUMNS = ['contender', 'median', 'low … high', 'Tidemark is', 'p50', 'p99'] as const;

/** A comparison as Markdown: each contender, and how many times as fast as it Tidemark is. */
export function asMarkdown(comparison: Comparison): string {
  const [head = [], ...rows] = tableOf(comparison);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    `**${comparison.what}**`,
    '',
    line(head),
    line(head.map((_, index) => (index === 0 ? '---' : '--:'))),
    ...rows.map(line),
    '',
    ...comparison.goals.map(({ wanted, measured, reached }) => `- ${wanted}: ${measured}, ${reached ? 'reached' : '**not reached**'}`),
    ...(comparison.notes ?? []).map((note) => `- ${note}`),
    '',
  ].join('\n');
}

/** The same for a terminal. */
export function asText(comparison: Comparison): string {
  const rows = tableOf(comparison);
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => (row[index] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0))).join('   ');
  return [
    comparison.what,
    ...rows.map((row) => `  ${line(row)}`),
    ...comparison.goals.map(({ wanted, measured, reached }) => `  ${reached ? '✓' : '✗'} ${wanted}: ${measured}`),
    ...(comparison.notes ?? []).map((note) => `  · ${note}`),
  ].join('\n');
}

/** Its head and its rows; a column in which nothing would stand is left out. */
function tableOf({ unit, results, unrelated = false }: Comparison): string[][] {
  const ours = unrelated ? undefined : results[0];
  const rows = results.map((result) => cells(result, unit, result === ours ? undefined : ours));
  const filled = COLUMNS.map((_, index) => rows.some((row) => row[index] !== ''));
  return [[...COLUMNS], ...rows].map((row) => row.filter((_, index) => filled[index]));
}

function cells({ name, perSecond, latency }: Result, unit: string, ours: Result | undefined): string[] {
  const { median, low, high } = perSecond;
  const ratio = ours === undefined ? '' : `${told(ours.perSecond.median / median)} ×`;
  const ms = (value: number | undefined): string => (value === undefined ? '' : `${told(value)} ms`);
  const isRate = unit !== 'MiB' && unit !== '%';
  const spread = low === high ? '' : `${told(low)} … ${told(high)}`;
  return [name, isRate ? `${told(median)} ${unit}/s` : `${told(median)} ${unit}`, spread, ratio, ms(latency?.p50), ms(latency?.p99)];
}
