import type { ProcessSample } from './proc.js';

export interface ProcessUsage {
  readonly name: string;
  readonly pid: number;
  /** How many processes are summed up: PostgreSQL has one a connection. */
  readonly processes: number;
  /** Of one core, over the period. */
  readonly cpuPercent: number;
  /** Memory that several processes share is counted once. */
  readonly rssBytes: number;
  /** Each process's own peak added up, though they need not have been at the same moment. */
  readonly peakRssBytes: number;
  /** It was another process at the end than at the beginning, or gone. */
  readonly restarted: boolean;
}

/**
 * Compares two samples of one program's processes. A process that began in between counts with all it used, one that ended
 * with nothing: so the figure is low rather than high when backends come and go.
 */
export function usageOf(name: string, before: readonly ProcessSample[], after: readonly ProcessSample[], seconds: number): ProcessUsage {
  const earlier = new Map(before.map(({ pid, cpuSeconds }) => [pid, cpuSeconds]));
  const used = after.reduce((sum, { pid, cpuSeconds }) => sum + cpuSeconds - (earlier.get(pid) ?? 0), 0);
  const root = after[0] ?? before[0];
  const shared = Math.max(0, ...after.map(({ sharedBytes }) => sharedBytes));
  return {
    name,
    pid: root?.pid ?? 0,
    processes: after.length,
    cpuPercent: seconds > 0 ? Math.round((10_000 * used) / seconds) / 100 : 0,
    rssBytes: after.reduce((sum, { rssBytes, sharedBytes }) => sum + rssBytes - sharedBytes, shared),
    peakRssBytes: after.reduce((sum, { peakRssBytes, sharedBytes }) => sum + peakRssBytes - sharedBytes, shared),
    restarted: after.length === 0 || before[0]?.pid !== after[0]?.pid,
  };
}

const MEBIBYTE = 1024 * 1024;

export function describeUsage(usages: readonly ProcessUsage[], seconds: number): string {
  const total = usages.reduce((sum, { cpuPercent }) => sum + cpuPercent, 0);
  const rss = usages.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
  const row = (name: string, pid: string, cpu: number, bytes: number, peak: string, remark: string): string =>
    `${name.padEnd(16)}${pid.padStart(8)}${`${cpu.toFixed(2)} %`.padStart(12)}${`${(bytes / MEBIBYTE).toFixed(0)} MiB`.padStart(12)}${peak.padStart(12)}  ${remark}`.trimEnd();
  return [
    `over ${seconds.toFixed(1)} s, CPU in percent of one core`,
    `${'process'.padEnd(16)}${'pid'.padStart(8)}${'CPU'.padStart(12)}${'memory'.padStart(12)}${'peak'.padStart(12)}`,
    ...usages.map(({ name, pid, processes, cpuPercent, rssBytes, peakRssBytes, restarted }) =>
      row(
        name,
        String(pid),
        cpuPercent,
        rssBytes,
        `${(peakRssBytes / MEBIBYTE).toFixed(0)} MiB`,
        restarted ? 'ended or restarted meanwhile' : processes > 1 ? `${processes} processes` : '',
      ),
    ),
    row('all', '', total, rss, '', ''),
  ].join('\n');
}
