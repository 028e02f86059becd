import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY_ROOT } from '../../dev/paths.js';
import type { BenchStack } from '../harness/bench-stack.js';
import { spreadOf } from '../harness/rounds.js';
import { atLeast, atMost, LeftOut, type BenchRow } from '../harness/row.js';
import { machineTime, nodesOf, StackUsage } from './stack-usage.js';
import { written } from './written.js';

const MEBIBYTE = 2 ** 20;

interface Replayed {
  readonly ok: boolean;
  readonly orders: { readonly sent: number };
  readonly performance: {
    readonly surveySeconds: number;
    readonly openingSeconds: number;
    readonly sendingSeconds: number;
    readonly settlingSeconds: number;
  };
}

/** A year of a real shop through REST, until every order has ended and the read models say what the file says. */
export const yearRow: BenchRow = {
  name: 'year',
  measures: 'The whole Online Retail year through REST to reconciled read models',
  quick: false,
  run: async (context) => {
    if (context.retailFile === undefined) throw new LeftOut('the data set is not here: name it with --retail-file FILE');
    const stack = await context.stack();
    const usage = new StackUsage(stack.config.stateDir);
    const before = machineTime();
    const startedAt = performance.now();
    const replayed = await replay(stack, context.retailFile, join(context.folder, 'year.json'));
    const seconds = (performance.now() - startedAt) / 1_000;
    const after = machineTime();
    const busy = 100 * (1 - (after.unused - before.unused) / (after.total - before.total));
    const used = usage.since();
    const { events, storedBytes, logBytes } = await written(stack.databaseUrl);
    context.say('  verifying …');
    await stack.verify();
    await stack.stop();
    const { surveySeconds, openingSeconds, sendingSeconds, settlingSeconds } = replayed.performance;
    const worked = openingSeconds + sendingSeconds + settlingSeconds;
    return [
      {
        what: `${replayed.orders.sent.toLocaleString('en-US')} orders, ${events.toLocaleString('en-US')} events in ${seconds.toFixed(0)} s (reading the file took ${surveySeconds.toFixed(0)} s of it)`,
        unit: '',
        results: [
          { name: 'orders to their end', perSecond: spreadOf([replayed.orders.sent / worked]) },
          { name: 'events', perSecond: spreadOf([events / worked]) },
        ],
        unrelated: true,
        goals: [atLeast(busy, 85, '% CPU of both cores')],
        notes: [
          ...used.map(({ name, cpuPercent }) => `${name}: ${cpuPercent.toFixed(1)} % of one core`),
          `PostgreSQL: ${(storedBytes / MEBIBYTE).toFixed(0)} MiB stored, ${(logBytes / MEBIBYTE).toFixed(0)} MiB of write-ahead log`,
        ],
      },
      {
        what: 'memory at the end of the year',
        unit: 'MiB',
        results: used.map(({ name, rssBytes }) => ({ name, perSecond: spreadOf([rssBytes / MEBIBYTE]) })),
        unrelated: true,
        goals: nodesOf(used).map(({ name, rssBytes }) => atMost(rssBytes / MEBIBYTE, 300, `MiB ${name}`)),
      },
    ];
  },
};

async function replay({ urls }: BenchStack, file: string, report: string): Promise<Replayed> {
  const env = { ...process.env, COMMAND_API_URL: urls.commandApi, QUERY_API_URL: urls.queryApi };
  const args = [join(REPOSITORY_ROOT, 'dist/dev/replay/main.js'), '--file', file, '--all-paid', '--report', report];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`the replay of the year failed (exit code ${code})`);
  return JSON.parse(await readFile(report, 'utf8')) as Replayed;
}
