import { cpus } from 'node:os';
import type { InvariantResult } from '../chaos/check/invariant-result.js';
import type { FaultRecord } from '../chaos/history/fault-record.js';
import type { LoadCounts } from '../chaos/load/chaos-load.js';
import { figuresOf, type KindFigures } from '../chaos/report.js';
import { seconds } from '../progress.js';
import { countsIn, kindOf, type PlannedHit } from './kill-points.js';
import type { FailedHit } from './lanes.js';

export interface KillpointFigures {
  readonly seed: number;
  readonly hits: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly plan: readonly PlannedHit[];
  readonly records: readonly FaultRecord[];
  readonly failed: readonly FailedHit[];
  readonly counts: LoadCounts;
  /** Fulfilments that a contradicting gateway had parked, and an operator let go on. */
  readonly resumed: number;
  readonly quiet: boolean;
  readonly quietAfterMs: number;
  readonly invariants: readonly InvariantResult[];
}

/** Everything that must be true of a run that passes. */
export function passes({ plan, records, failed, quiet, invariants }: KillpointFigures): boolean {
  const recovered = records.every(({ recoveredAt }) => recoveredAt !== undefined);
  return (
    records.length === plan.length && failed.length === 0 && recovered && quiet && invariants.length > 0 && invariants.every(({ ok }) => ok)
  );
}

interface Row extends KindFigures {
  readonly wanted: number;
}

function rowsOf({ plan, records }: KillpointFigures): Row[] {
  const kinds = [...new Set(plan.map(kindOf))];
  return kinds.map((kind) => ({
    ...figuresOf(
      kind,
      records.filter((record) => record.kind === kind),
    ),
    wanted: plan.filter((hit) => kindOf(hit) === kind).length,
  }));
}

/** All deaths of one app's processes, wherever they died. */
function deathsOf({ plan, records }: KillpointFigures): KindFigures[] {
  const dead = plan.filter(({ action }) => action === 'exit');
  return [...new Set(dead.map(({ point }) => point.victim))].map((victim) => {
    const kinds = new Set(dead.filter(({ point }) => point.victim === victim).map(kindOf));
    return figuresOf(
      victim,
      records.filter(({ kind }) => kinds.has(kind)),
    );
  });
}

export function summaryOf(figures: KillpointFigures): string[] {
  const { counts, records, failed, invariants, quiet, quietAfterMs, startedAt, endedAt, resumed } = figures;
  const all = figuresOf('all', records);
  const line = (cells: readonly [string, string, string, string, string], note: string): string =>
    `  ${cells[0].padEnd(42)}${cells[1].padStart(7)}${cells[2].padStart(9)}${cells[3].padStart(9)}${cells[4].padStart(9)}${note}`;
  return [
    line(['kill point, action', 'hits', 'p50', 'p95', 'worst'], ''),
    ...rowsOf(figures).map(({ kind, count, wanted, p50, p95, worst, notRecovered }) =>
      line(
        [kind, `${count}/${wanted}`, seconds(p50), seconds(p95), seconds(worst)],
        notRecovered > 0 ? `   ${notRecovered} NOT RECOVERED` : count < wanted ? '   NOT ALL REACHED' : '',
      ),
    ),
    line(['all', String(all.count), seconds(all.p50), seconds(all.p95), seconds(all.worst)], ''),
    ...deathsOf(figures).map(({ kind, count, p50, p95, worst }) =>
      line([`every death of ${kind}`, String(count), seconds(p50), seconds(p95), seconds(worst)], ''),
    ),
    ...failed.map(({ n, kind, target, why }) => `  FAILED #${n} ${kind} (${target}): ${why}`),
    `commands: ${counts.sent} sent, ${counts.accepted} accepted, ${counts.refused} refused, ${counts.unknown} without an answer; ${counts.reads} reads`,
    ...(resumed > 0 ? [`${resumed} fulfilments that a contradicting gateway had parked were let go on by an operator`] : []),
    quiet ? `stood still ${seconds(quietAfterMs)} after the load` : `DID NOT STAND STILL within ${seconds(quietAfterMs)} after the load`,
    ...invariants.flatMap((invariant) => [
      `${invariant.ok ? 'holds ' : 'BROKEN'} ${invariant.id.padEnd(4)}${invariant.title}: ${invariant.checked}`,
      ...invariant.violations.slice(0, 20).map(({ what, ids, lookAt }) => `         ${what} [${ids.join(', ')}]; look at ${lookAt}`),
      ...(invariant.broken > 20 ? [`         … and ${invariant.broken - 20} more`] : []),
    ]),
    `took ${seconds(endedAt - startedAt)}`,
    passes(figures) ? 'EVERY KILL POINT HOLDS' : 'NOT EVERYTHING HOLDS',
  ];
}

export function markdownOf(figures: KillpointFigures): string {
  const { seed, hits, startedAt, endedAt, counts, records, failed, invariants, quiet, quietAfterMs, resumed } = figures;
  const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
  return [
    `# Every kill point: ${passes(figures) ? 'everything holds' : 'NOT everything holds'}`,
    '',
    `\`npm run killpoints -- --hits ${hits} --seed ${seed}\`, ${new Date(startedAt).toISOString()} to ${new Date(endedAt).toISOString()}, on ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), Node ${process.versions.node}.`,
    '',
    `${records.length} hits (planned: ${countsIn(hits)}) under load: ${counts.sent} commands sent, ${counts.accepted} accepted, ${counts.refused} refused, ${counts.unknown} without an answer in the end. ${quiet ? `Nothing was under way any more ${seconds(quietAfterMs)} after the load had stopped.` : `It did NOT stand still within ${seconds(quietAfterMs)}.`}`,
    ...(resumed > 0 ? ['', `${resumed} fulfilments that a contradicting gateway had parked were let go on by an operator.`] : []),
    '',
    '## Recovery',
    '',
    'From the end of the fault until the process reports ready and what it does works again.',
    '',
    '| kill point and action | hits | p50 | p95 | worst | |',
    '| --- | --: | --: | --: | --: | --- |',
    ...rowsOf(figures).map(({ kind, count, wanted, p50, p95, worst, notRecovered }) =>
      row([
        kind,
        `${count} of ${wanted}`,
        seconds(p50),
        seconds(p95),
        seconds(worst),
        notRecovered > 0 ? `**${notRecovered} not recovered**` : '',
      ]),
    ),
    ...deathsOf(figures).map(({ kind, count, p50, p95, worst }) =>
      row([`**every death of ${kind}**`, count, seconds(p50), seconds(p95), seconds(worst), '']),
    ),
    '',
    ...failed.map(({ n, kind, target, why }) => `- failed: #${n} ${kind} (${target}): ${why}`),
    '',
    '## Invariants',
    '',
    '| | | | what was looked at |',
    '| --- | --- | --- | --- |',
    ...invariants.map(({ id, title, ok, broken, checked }) => row([id, title, ok ? 'holds' : `**broken** (${broken})`, checked])),
    '',
    ...invariants.flatMap(({ id, violations }) =>
      violations.slice(0, 50).map(({ what, ids, lookAt }) => `- ${id}: ${what} (${ids.join(', ')}; look at ${lookAt})`),
    ),
    '',
  ].join('\n');
}
