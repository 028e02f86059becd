import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** What /proc tells of one process at one moment. */
export interface ProcessSample {
  readonly pid: number;
  readonly parent: number;
  /** CPU time so far, user and system, seconds. */
  readonly cpuSeconds: number;
  /** Memory in use now, `sharedBytes` of it shared with others (PostgreSQL's buffers are in every backend). */
  readonly rssBytes: number;
  readonly sharedBytes: number;
  /** The most it ever had. */
  readonly peakRssBytes: number;
}

/** Linux counts CPU time for /proc in hundredths of a second on every architecture Node runs on (USER_HZ). */
const TICKS_A_SECOND = 100;

export const hasProc = (root = '/proc'): boolean => existsSync(`${root}/self/stat`);

/** undefined: there is no such process (any more). */
export function sampleProcess(pid: number, root = '/proc'): ProcessSample | undefined {
  try {
    return parseProcess(pid, readFileSync(`${root}/${pid}/stat`, 'utf8'), readFileSync(`${root}/${pid}/status`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** All processes that come from `pid`, itself first. */
export function sampleTree(pid: number, root = '/proc'): ProcessSample[] {
  const all = readdirSync(root)
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => sampleProcess(Number(name), root) ?? []);
  const tree = all.filter((process) => process.pid === pid);
  for (const process of tree) tree.push(...all.filter(({ parent }) => parent === process.pid));
  return tree;
}

export function parseProcess(pid: number, stat: string, status: string): ProcessSample {
  // The name in parentheses may itself hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const kibibytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0);
  return {
    pid,
    parent: Number(fields[1]),
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND,
    rssBytes: kibibytes('VmRSS') * 1024,
    sharedBytes: kibibytes('RssShmem') * 1024,
    peakRssBytes: kibibytes('VmHWM') * 1024,
  };
}
