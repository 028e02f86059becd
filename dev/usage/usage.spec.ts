/** Proves the arithmetic over /proc: CPU over a period, memory with what is shared counted once, processes that come and go. */
import { expect, it } from 'vitest';
import { parseProcess, type ProcessSample } from './proc.js';
import { describeUsage, usageOf } from './usage.js';

const MEBIBYTE = 1024 * 1024;
const sample = (pid: number, cpuSeconds: number, rss = 10, shared = 0): ProcessSample => ({
  pid,
  parent: 1,
  cpuSeconds,
  rssBytes: rss * MEBIBYTE,
  sharedBytes: shared * MEBIBYTE,
  peakRssBytes: 2 * rss * MEBIBYTE,
});

it('reads a process whose name holds blanks and parentheses', () => {
  const stat = '4711 (node (a) b) S 42 4711 42 0 -1 4194304 9 0 0 0 150 50 0 0 20 0 11 0 12345 1 1';
  const status = 'Name:\tnode\nVmHWM:\t  204800 kB\nVmRSS:\t  102400 kB\nRssShmem:\t    1024 kB\n';
  expect(parseProcess(4711, stat, status)).toEqual({
    pid: 4711,
    parent: 42,
    cpuSeconds: 2,
    rssBytes: 100 * MEBIBYTE,
    sharedBytes: MEBIBYTE,
    peakRssBytes: 200 * MEBIBYTE,
  });
});

it('tells CPU in percent of one core', () => {
  expect(usageOf('relay', [sample(1, 10)], [sample(1, 10.6)], 60)).toMatchObject({ pid: 1, cpuPercent: 1, restarted: false });
});

it('adds up the processes of a database, with shared memory once and those that came meanwhile', () => {
  const after = [sample(1, 2, 30, 20), sample(2, 3, 25, 15), sample(3, 1, 20, 10)];
  expect(usageOf('postgres', [sample(1, 1), sample(2, 1), sample(9, 5)], after, 10)).toMatchObject({
    processes: 3,
    cpuPercent: 40,
    rssBytes: 50 * MEBIBYTE,
  });
});

it('tells a process that was restarted or is gone', () => {
  expect(usageOf('relay', [sample(1, 10)], [sample(2, 1)], 60).restarted).toBe(true);
  expect(usageOf('relay', [sample(1, 10)], [], 60)).toMatchObject({ restarted: true, cpuPercent: 0, rssBytes: 0 });
});

it('shows a line a process and their sum', () => {
  const lines = describeUsage(
    [usageOf('relay', [sample(1, 10)], [sample(1, 10.6)], 60), usageOf('kafka', [sample(2, 0)], [sample(2, 1.2)], 60)],
    60,
  );
  expect(lines).toMatch(/relay +1 +1\.00 % +10 MiB +20 MiB\nkafka +2 +2\.00 % +10 MiB +20 MiB\nall +3\.00 % +20 MiB/);
});
