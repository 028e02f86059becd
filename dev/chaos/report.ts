import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, resolve } from 'node:path';
import { emptinessOf, type RunExtent } from './check/floors.js';
import type { InvariantResult } from './check/invariant-result.js';
import { describe, type LeftOut } from './fault-runner.js';
import type { FaultRecord } from './history/fault-record.js';
import type { ResourceSample } from './history/resource-sample.js';
import type { LoadCounts } from './load/chaos-load.js';

export interface RunFigures {
  readonly seed: number;
  readonly minutes: number;
  /** Asked for, commands per second. */
  readonly rate: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly loadStoppedAt: number;
  readonly endedAt: number;
  readonly counts: LoadCounts;
  /** Faults of the schedule. */
  readonly planned: number;
  /** As far as there was time for them. */
  readonly plannedOfKind: Readonly<Record<string, number>>;
  readonly faults: readonly FaultRecord[];
  readonly leftOut: readonly LeftOut[];
  /** Seen while faults were carried out, and must never be. */
  readonly defects: readonly string[];
  /** What this machine cannot do. */
  readonly missing: readonly string[];
  readonly quiet: boolean;
  /** Milliseconds from the end of the load until nothing was under way. */
  readonly quietAfterMs: number;
  readonly invariants: readonly InvariantResult[];
  readonly samples: readonly ResourceSample[];
  /** Of the instances that clients ask, by name. */
  readonly origins: Readonly<Record<string, string>>;
}

export interface KindFigures {
  readonly kind: string;
  readonly count: number;
  readonly notRecovered: number;
  /** Milliseconds from healing to recovery. */
  readonly p50: number;
  readonly p95: number;
  readonly worst: number;
}

/** Everything that must be true of a run that passes; one in which nothing happened, or nothing was looked at, does not. */
export function holds(figures: Pick<RunFigures, 'faults' | 'defects' | 'quiet' | 'invariants'> & RunExtent): boolean {
  const { faults, defects, quiet, invariants } = figures;
  if (!quiet || defects.length > 0 || emptinessOf(figures).length > 0) return false;
  return invariants.every(({ ok }) => ok) && faults.every(({ recoveredAt }) => recoveredAt !== undefined);
}

export function figuresByKind(faults: readonly FaultRecord[]): KindFigures[] {
  const kinds = [...new Set(faults.map(({ kind }) => kind))].sort();
  return kinds.map((kind) =>
    figuresOf(
      kind,
      faults.filter((fault) => fault.kind === kind),
    ),
  );
}

export function figuresOf(kind: string, faults: readonly FaultRecord[]): KindFigures {
  const times = faults
    .flatMap(({ healedAt, recoveredAt }) => (recoveredAt === undefined ? [] : [Math.max(0, recoveredAt - healedAt)]))
    .sort((a, b) => a - b);
  const quantile = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0;
  return {
    kind,
    count: faults.length,
    notRecovered: faults.length - times.length,
    p50: quantile(0.5),
    p95: quantile(0.95),
    worst: times.at(-1) ?? 0,
  };
}

/** For the terminal, at the end. */
export function summaryOf(figures: RunFigures): string[] {
  const { counts, faults, invariants, quiet, quietAfterMs } = figures;
  const all = figuresOf('all', faults);
  const missed = figures.leftOut.filter(({ notReached }) => notReached);
  return [
    `commands: ${counts.sent} sent, ${counts.accepted} accepted (${perSecond(figures)}/s), ${counts.refused} refused, ${counts.unknown} without an answer; ${counts.reads} reads`,
    `faults: ${faults.length} of ${figures.planned} planned, of ${figuresByKind(faults).length} kinds, ${missed.length} armed and not reached; recovery p50 ${seconds(all.p50)}, p95 ${seconds(all.p95)}, worst ${seconds(all.worst)}, ${all.notRecovered} not recovered`,
    ...figuresByKind(faults).map(
      ({ kind, count, p50, p95, worst, notRecovered }) =>
        `  ${kind.padEnd(34)}${String(count).padStart(4)}   p50 ${seconds(p50).padStart(7)}   p95 ${seconds(p95).padStart(7)}   worst ${seconds(worst).padStart(7)}${notRecovered > 0 ? `   ${notRecovered} NOT RECOVERED` : ''}`,
    ),
    ...figures.defects.map((defect) => `  DEFECT: ${defect}`),
    ...figures.leftOut.map(
      ({ n, kind, target, why, notReached }) => `  ${notReached ? 'not counted' : 'left out'}: #${n} ${kind} (${target}): ${why}`,
    ),
    quiet ? `stood still ${seconds(quietAfterMs)} after the load` : `DID NOT STAND STILL within ${seconds(quietAfterMs)} after the load`,
    ...invariants.flatMap((invariant) => [
      `${invariant.ok ? 'holds ' : 'BROKEN'} ${invariant.id.padEnd(4)}${invariant.title}: ${invariant.checked}`,
      ...invariant.violations.slice(0, 20).map(({ what, ids, lookAt }) => `         ${what} [${ids.join(', ')}]; look at ${lookAt}`),
      ...(invariant.broken > 20 ? [`         … and ${invariant.broken - 20} more`] : []),
    ]),
    `duplicates on the topics: ${duplicatesIn(invariants) ?? 'not counted'}`,
    ...emptinessOf(figures).map((reason) => `PROVES NOTHING: ${reason}`),
    holds(figures) ? 'EVERYTHING HOLDS' : 'NOT EVERYTHING HOLDS',
  ];
}

export function markdownOf(figures: RunFigures): string {
  const { seed, minutes, rate, startedAt, endedAt, counts, faults, leftOut, missing, invariants, quiet, quietAfterMs, samples } = figures;
  const all = figuresOf('**all**', faults);
  const missed = leftOut.filter(({ notReached }) => notReached);
  const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  const recovery = ({ kind, count, p50, p95, worst, notRecovered }: KindFigures): string =>
    row([kind, count, seconds(p50), seconds(p95), seconds(worst), notRecovered === 0 ? '' : `${notRecovered} not recovered`]);
  return [
    `# A run under faults: ${holds(figures) ? 'everything holds' : 'NOT everything holds'}`,
    '',
    `\`npm run chaos -- --minutes ${minutes} --seed ${seed} --rate ${rate}\`, ${new Date(startedAt).toISOString()} to ${new Date(endedAt).toISOString()}, on ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.versions.node}.`,
    '',
    '| commands | |',
    '| --- | --- |',
    row(['sent', number(counts.sent)]),
    row(['accepted', `${number(counts.accepted)} (${perSecond(figures)}/s)`]),
    row(['refused', number(counts.refused)]),
    row(['without an answer in the end', number(counts.unknown)]),
    row(['reads', number(counts.reads)]),
    row(['duplicates on the topics', number(duplicatesIn(invariants) ?? 0)]),
    '',
    `${faults.length} faults (${figures.planned} were planned; ${missed.length} were armed at a place that nothing reached, and do not count) of ${figuresByKind(faults).length} kinds. ${quiet ? `Nothing was under way any more ${seconds(quietAfterMs)} after the load had stopped.` : `It did NOT stand still within ${seconds(quietAfterMs)}.`}`,
    '',
    ...emptinessOf(figures).flatMap((reason) => [`**The run proves nothing**: ${reason}.`, '']),
    '## Invariants',
    '',
    '| | | | what was looked at |',
    '| --- | --- | --- | --- |',
    ...invariants.map(({ id, title, ok, broken, checked }) => row([id, title, ok ? 'holds' : `**broken** (${broken})`, checked])),
    '',
    ...invariants.flatMap(({ id, violations }) =>
      violations.slice(0, 50).map(({ what, ids, lookAt }) => `- ${id}: ${what} (${ids.join(', ')}; look at ${lookAt})`),
    ),
    '## Recovery',
    '',
    'From healing (of a kill: from the kill) until every process that was hit is ready, a command or query succeeds, and what had piled up until then has been worked off. Two faults may be on at once.',
    '',
    '| fault | count | p50 | p95 | worst | |',
    '| --- | ---: | ---: | ---: | ---: | --- |',
    ...figuresByKind(faults).map(recovery),
    recovery(all),
    '',
    ...figures.defects.map((defect) => `- **defect**: ${defect}`),
    ...missing.map((line) => `- ${line}`),
    ...leftOut.map(({ n, kind, target, why, notReached }) => `- #${n} ${kind} (${target})${notReached ? '' : ' left out'}: ${why}`),
    '',
    '## Resources',
    '',
    '| process | most memory | most open files | lives |',
    '| --- | ---: | ---: | ---: |',
    ...resourcesOf(samples).map(({ name, rssBytes, fds, lives }) => row([name, `${Math.round(rssBytes / 2 ** 20)} MiB`, fds, lives])),
    '',
    peaksOf(samples),
    '',
    '## Every fault',
    '',
    ...[...faults]
      .sort((a, b) => a.n - b.n)
      .map((fault) => `- ${new Date(fault.startedAt).toISOString().slice(11, 19)} ${describe(fault)}`),
    '',
  ].join('\n');
}

function resourcesOf(samples: readonly ResourceSample[]): { name: string; rssBytes: number; fds: number; lives: number }[] {
  const byName = new Map<string, { rssBytes: number; fds: number; pids: Set<number> }>();
  for (const sample of samples) {
    if (sample.kind !== 'process') continue;
    const known = byName.get(sample.name) ?? { rssBytes: 0, fds: 0, pids: new Set<number>() };
    known.rssBytes = Math.max(known.rssBytes, sample.rssBytes);
    known.fds = Math.max(known.fds, sample.fds);
    known.pids.add(sample.pid);
    byName.set(sample.name, known);
  }
  return [...byName].sort().map(([name, { rssBytes, fds, pids }]) => ({ name, rssBytes, fds, lives: pids.size }));
}

function peaksOf(samples: readonly ResourceSample[]): string {
  const stack = samples.filter((sample) => sample.kind === 'stack');
  const most = (values: readonly (number | undefined)[]): number => Math.max(0, ...values.filter((value) => value !== undefined));
  const connections = stack.map(({ connections }) => Object.values(connections ?? {}).reduce((sum, each) => sum + each, 0));
  return `Most rows in the outbox: ${number(most(stack.map(({ outbox }) => outbox)))}; most records not consumed: ${number(most(stack.map(({ lag }) => lag)))}; most connections to PostgreSQL: ${most(connections)}. At the end: ${number(stack.at(-1)?.outbox ?? 0)} and ${number(stack.at(-1)?.lag ?? 0)}.`;
}

const duplicatesIn = (invariants: readonly InvariantResult[]): number | undefined =>
  invariants.find(({ id }) => id === 'I4')?.counted['duplicates'];
const perSecond = ({ counts, startedAt, loadStoppedAt }: RunFigures): string =>
  ((1_000 * counts.accepted) / Math.max(1, loadStoppedAt - startedAt)).toFixed(1);
const number = (value: number): string => value.toLocaleString('en-GB');
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** The report as Markdown, and as JSON beside it. */
export function writeReport(path: string, figures: RunFigures): void {
  const { samples: _, ...told } = figures;
  mkdirSync(dirname(resolve(path)), { recursive: true });
  writeFileSync(path, markdownOf(figures));
  writeFileSync(jsonBeside(path), `${JSON.stringify(told, null, 2)}\n`);
}

export const jsonBeside = (path: string): string => `${path.replace(/\.md$/, '')}.json`;
