import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seconds } from '../progress.js';
import { stateDir } from '../paths.js';
import { sampleProcess } from '../usage/proc.js';
import { apiSurface } from './api-surface.js';
import { fuzzArguments, USAGE, type FuzzArguments } from './arguments.js';
import { fuzz, type FuzzReport } from './fuzz-run.js';
import { OwnStack } from './own-stack.js';
import { NoPythonError, schemathesis } from './schemathesis.js';

const args = read();
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const stack = new OwnStack(join(stateDir(), 'fuzz'), say);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stack.stop().finally(() => process.exit(130)));

try {
  process.exitCode = await run();
} finally {
  await stack.stop();
}

async function run(): Promise<number> {
  await stack.start();
  const before = stack.pids();
  const surfaces = [await apiSurface('command-api', stack.urls.commandApi), await apiSurface('query-api', stack.urls.queryApi)];
  const problems: string[] = [];
  const figures: Record<string, unknown> = { seed: args.seed };

  if (args.requests > 0) {
    say(`\n  our own fuzzer: ${args.requests} requests, seed ${args.seed}`);
    const startedAt = performance.now();
    let told = startedAt;
    const report = await fuzz({
      surfaces,
      requests: args.requests,
      seed: args.seed,
      onProgress: (sent) => {
        if (performance.now() - told < 10_000) return;
        told = performance.now();
        say(`  … ${sent} sent after ${seconds(told - startedAt)}`);
      },
    });
    tell(report, performance.now() - startedAt);
    problems.push(...report.faults.map(({ api, what, attack }) => `${api}: ${what} (${attack})`));
    figures.fuzz = { ...report, seconds: Math.round((performance.now() - startedAt) / 1_000) };
  }

  if (args.cases > 0) {
    say(`\n  Schemathesis: ${args.cases} cases of both documents, all checks on, seed ${args.seed}`);
    const startedAt = performance.now();
    try {
      const apis = surfaces.map(({ name, url }) => ({ name, url }));
      const report = await schemathesis({ directory: join(stateDir(), 'fuzz', 'tools'), apis, cases: args.cases, seed: args.seed, say });
      say(`  ${table(report.cases)} cases in ${seconds(performance.now() - startedAt)}`);
      report.failures.forEach((failure) => say(`  ✗ ${failure}`));
      problems.push(...report.failures);
      figures.schemathesis = { ...report, seconds: Math.round((performance.now() - startedAt) / 1_000) };
    } catch (error) {
      if (!(error instanceof NoPythonError)) throw error;
      problems.push(error.message);
      say(`  ✗ ${error.message}`);
    }
  }

  figures.processes = before.map(({ name, pid }) => ({ name, residentMiB: Math.round((sampleProcess(pid)?.rssBytes ?? 0) / 2 ** 20) }));
  const restarted = before.filter(({ name, pid }) => stack.pids().find((each) => each.name === name)?.pid !== pid);
  problems.push(...restarted.map(({ name }) => `${name} was restarted`));
  for (const { name, url } of surfaces) if (!(await fetch(`${url}/health/ready`)).ok) problems.push(`${name} is not ready any more`);
  if (args.report !== null) writeFileSync(args.report, `${JSON.stringify({ ...figures, problems }, null, 2)}\n`);
  say(
    problems.length === 0
      ? '\n  ✓ no 500, no hang, no restart; every refusal a problem with a documented code'
      : `\n  ✗ ${problems.length} kinds of faults`,
  );
  return problems.length === 0 ? 0 : 1;
}

function tell(report: FuzzReport, ms: number): void {
  const rate = Math.round(report.requests / (ms / 1_000));
  say(`  ${report.requests} requests in ${seconds(ms)} (${rate}/s), ${report.answered} answered; the slowest after ${report.slowestMs} ms`);
  say(`  kinds     ${table(report.byKind)}`);
  say(`  statuses  ${table(report.byStatus)}`);
  say(`  codes     ${table(report.byCode)}`);
  for (const { api, what, attack, answer } of report.faults)
    say(`  ✗ ${api}: ${what}\n      ${JSON.stringify(attack)}\n      ${answer.slice(0, 300)}`);
  if (report.faultCount > 0) say(`  ${report.faultCount} faults in all`);
}

function table(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

function read(): FuzzArguments {
  try {
    return fuzzArguments(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}\n`);
    process.exit(2);
  }
}
