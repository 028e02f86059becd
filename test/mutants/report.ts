import { basename } from 'node:path';
import type { Mutant } from './mutant.js';
import type { Verdict } from './verdict.js';

/** One line while it runs. */
export function progressLine(verdict: Verdict, place: number, total: number): string {
  const { mutant, outcome, reason, durationMs } = verdict;
  const head = `[${String(place).padStart(String(total).length)}/${total}] ${mutant.name.padEnd(36)} ${outcome.padEnd(10)}`;
  const said = outcome === 'killed' ? `${verdict.caughtBy.join(' ')}  ${killerOf(verdict)}` : (reason ?? '');
  return `${head} ${seconds(durationMs).padStart(7)}  ${said}`;
}

export function summary(verdicts: readonly Verdict[], asked: readonly Mutant[]): string {
  const killed = verdicts.filter(({ outcome }) => outcome === 'killed').length;
  const rest = asked.filter((mutant) => !verdicts.some((verdict) => verdict.mutant === mutant && verdict.outcome === 'killed'));
  const lines = [`${killed} of ${asked.length} mutants killed`];
  for (const { name } of rest) {
    const verdict = verdicts.find(({ mutant }) => mutant.name === name);
    lines.push(`  ${name}: ${verdict === undefined ? 'not run' : `${verdict.outcome}, ${verdict.reason}`}`);
  }
  return lines.join('\n');
}

const HEADING = `# Mutants

Written by \`npm run mutants -- --report FILE\`. Each mutant is our own source with one mechanism broken (test/mutants); the spec files it
names must notice. Killed: a test failed by what it saw, was green without the mutant, and is known (test/mutants/proofs.ts) to prove an
invariant that the mutant breaks. Errors, hangs and files that do not load kill nothing.
`;

/** The whole table, as Markdown. */
export function markdown(verdicts: readonly Verdict[], asked: readonly Mutant[]): string {
  const rows = verdicts.map((verdict) => {
    const { mutant, outcome, caughtBy, reason } = verdict;
    const by = outcome === 'killed' ? killerOf(verdict) : (reason ?? '');
    return [`\`${mutant.name}\``, mutant.mechanism, outcome, mutant.breaks.join(' '), caughtBy.join(' '), by, seconds(verdict.durationMs)];
  });
  const head = ['mutant', 'mechanism', 'verdict', 'breaks', 'caught by', 'killed by the test', 'took'];
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [HEADING, summary(verdicts, asked), '', line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n');
}

function killerOf({ killers: [first, ...others] }: Verdict): string {
  if (first === undefined) return '';
  return `${basename(first.spec)}: ${first.fullTitle}${others.length === 0 ? '' : ` (+${others.length})`}`;
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
