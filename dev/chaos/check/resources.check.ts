import type { ProcessSample, ResourceSample, StackSample } from '../history/resource-sample.js';
import type { Bounds } from './bounds.js';
import { number, Violations, type Judgement } from './violations.js';

type Limits = Pick<Bounds, 'maxRssBytes' | 'maxFds' | 'maxConnections' | 'growthShare' | 'growthBytes' | 'growthFds' | 'mayGrow'>;

/** A process grows into its work at first. */
const WARM_MS = 30_000;
/** A shorter life, or a few looks only, say nothing about growth. */
const JUDGED_MS = 60_000;
const JUDGED_SAMPLES = 12;
const MIB = 1_024 * 1_024;

/**
 * I11: no process ever held more than the absolute limits, no app more connections than its pools have, two looks in a row; one that lived long enough has a plateau (what it
 * goes back to in its last third, in file descriptors the median, is not above the median of its first by more than the bound); at the end nothing is left in the outbox and no consumer is behind.
 */
export function checkResources(samples: readonly ResourceSample[], limits: Limits): Judgement {
  const violations = new Violations();
  const processes = groups(samples);
  let judged = 0;
  const judgedLives = new Map<string, number>();
  let worstRss = 0;
  let worstFds = 0;
  for (const [who, own] of processes) {
    const rss = Math.max(...own.map(({ rssBytes }) => rssBytes));
    const fds = Math.max(...own.map((each) => each.fds));
    worstRss = Math.max(worstRss, rss);
    worstFds = Math.max(worstFds, fds);
    if (rss > limits.maxRssBytes) violations.add(`${who} held ${mib(rss)} (limit ${mib(limits.maxRssBytes)})`, [who], 'samples');
    if (fds > limits.maxFds) violations.add(`${who} held ${fds} file descriptors (limit ${limits.maxFds})`, [who], 'samples');
    if (limits.mayGrow.some((name) => own[0]!.name.startsWith(name))) continue;
    const thirds = plateauOf(own);
    if (thirds === undefined) continue;
    judged += 1;
    const app = appOf(own[0]!.name);
    const [early, late] = thirds;
    const most = early.rssBytes + Math.max(limits.growthBytes, limits.growthShare * early.rssBytes);
    if (late.rssBytes > most) violations.add(`${who} grew from ${mib(early.rssBytes)} to ${mib(late.rssBytes)}`, [who], 'samples');
    judgedLives.set(app, (judgedLives.get(app) ?? 0) + 1);
    if (late.fds > early.fds + limits.growthFds(app))
      violations.add(`${who} grew from ${early.fds} to ${late.fds} file descriptors`, [who], 'samples');
  }
  const looks = samples.filter((sample): sample is StackSample => sample.kind === 'stack').sort((one, other) => one.at - other.at);
  for (const name of ['outbox', 'lag'] as const) {
    const last = looks.findLast((look) => look[name] !== undefined)?.[name];
    if (last !== 0) violations.add(`${name} was ${last ?? 'never looked at'} at the end`, [name], 'samples');
  }
  let worstConnections = 0;
  let tooMany = new Set<string>();
  for (const { connections, at } of looks) {
    if (connections === undefined) continue;
    const before = tooMany;
    tooMany = new Set();
    for (const [name, count] of Object.entries(connections)) {
      worstConnections = Math.max(worstConnections, count);
      const limit = limits.maxConnections(name);
      if (count <= limit) continue;
      tooMany.add(name);
      // Those of the dead go within seconds: what is seen twice in a row stays.
      const what = `${name} held ${count} connections to PostgreSQL (limit ${limit})`;
      if (before.has(name)) violations.add(what, [name], new Date(at).toISOString());
    }
  }
  if (processes.size === 0) violations.add('no process was ever looked at', [], 'samples');
  return {
    checked: `${number(samples.length)} samples of ${number(processes.size)} processes, ${number(judged)} lived long enough to show a plateau; at most ${mib(worstRss)}, ${number(worstFds)} file descriptors, ${number(worstConnections)} connections`,
    counted: {
      samples: samples.length,
      processes: processes.size,
      judged,
      ...Object.fromEntries([...judgedLives].map(([app, lives]) => [judgedLivesOf(app), lives])),
      worstRssMiB: Math.round(worstRss / MIB),
      worstFds,
      worstConnections,
    },
    violations,
  };
}

/** Name of the count of lives of an app that could be judged. */
export const judgedLivesOf = (app: string): string => `judged ${app}`;

/** Of an instance: without the number of its replica. */
const appOf = (name: string): string => name.replace(/-\d+$/, '');

/** By process, not by instance: a restarted one begins anew. */
function groups(samples: readonly ResourceSample[]): Map<string, ProcessSample[]> {
  const processes = new Map<string, ProcessSample[]>();
  for (const sample of samples) {
    if (sample.kind !== 'process') continue;
    const who = `${sample.name} (${sample.pid})`;
    const known = processes.get(who);
    if (known === undefined) processes.set(who, [sample]);
    else known.push(sample);
  }
  for (const own of processes.values()) own.sort((one, other) => one.at - other.at);
  return processes;
}

type Level = Pick<ProcessSample, 'rssBytes' | 'fds'>;

function plateauOf(samples: readonly ProcessSample[]): [early: Level, late: Level] | undefined {
  const warm = samples.filter(({ at }) => at >= samples[0]!.at + WARM_MS);
  if (warm.length < JUDGED_SAMPLES || warm.at(-1)!.at - warm[0]!.at < JUDGED_MS) return undefined;
  const third = Math.floor(warm.length / 3);
  const [early, late] = [warm.slice(0, third), warm.slice(-third)];
  const fdsOf = (part: readonly ProcessSample[]): number => median(part.map(({ fds }) => fds));
  return [
    { rssBytes: median(early.map(({ rssBytes }) => rssBytes)), fds: fdsOf(early) },
    // What a burst took is given back when the collector next looks at all of it, minutes later: what stays is no more than the lowest.
    { rssBytes: Math.min(...late.map(({ rssBytes }) => rssBytes)), fds: fdsOf(late) },
  ];
}

const median = (numbers: readonly number[]): number => [...numbers].sort((one, other) => one - other)[numbers.length >> 1]!;
const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;
