import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { removeCluster, startPostgres, THROWAWAY_SETTINGS } from '../../dev/embedded-postgres.js';
import { startKafka } from '../../dev/kafka.js';
import { REPOSITORY_ROOT } from '../../dev/paths.js';
import { freePorts } from '../../dev/ports.js';
import { SCRATCH_PREFIX, type TestServers } from '../harness/servers.js';
import { MUTANTS } from './catalogue.js';
import { isSeen, judgedByChaos } from './chaos-judgement.js';
import type { Mutant } from './mutant.js';
import { runMutants } from './mutation-run.js';
import { proofs } from './proofs.js';
import { markdown, progressLine, summary } from './report.js';

/** Outbox, version check, idempotency key, inbox, delete after ack. */
const TRIED_BY_CHAOS = [
  'outbox-row-left-out',
  'version-not-checked',
  'fingerprint-not-compared',
  'duplicates-projected',
  'deleted-before-the-ack',
];
const CHAOS_MINUTES = 1;
const CHAOS_SEED = 3;

const USAGE = `Usage: npm run mutants -- [--only NAME,NAME] [--list] [--report FILE] [--minutes N] [--chaos]

Breaks our own mechanisms one at a time, in a copy of the source, and wants the specs to notice. Exit code 0 only when every mutant
is killed by a test that proves what it breaks.

  --only NAME,NAME  these alone
  --list            say what there is, and run nothing
  --report FILE     write the whole table, as Markdown
  --minutes N       end after so long; what was not run counts as not killed (default 40)
  --chaos           not the specs but the fault runner is to notice: a minute of chaos for each of those that are --only, or for
                    ${TRIED_BY_CHAOS.join(', ')}
`;

const options = parsed();
if (options.list) {
  for (const { name, mechanism, breaks } of options.mutants) say(`${name.padEnd(38)} ${breaks.join(' ').padEnd(8)} ${mechanism}`);
} else if (options.chaos) {
  process.exitCode = (await judge(options.mutants)) ? 0 : 1;
} else {
  process.exitCode = (await run(options.mutants, options.minutes, options.report)) ? 0 : 1;
}

/** One after the other: each wants the machine to itself. */
async function judge(mutants: readonly Mutant[]): Promise<boolean> {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort());
  let seen = 0;
  for (const mutant of mutants) {
    if (end.signal.aborted) break;
    say(`${mutant.name}: breaks ${mutant.breaks.join(', ')} (${mutant.mechanism}) …`);
    const judgement = await judgedByChaos(mutant, { root: REPOSITORY_ROOT, minutes: CHAOS_MINUTES, seed: CHAOS_SEED, signal: end.signal });
    const { violated, first, durationMs } = judgement;
    if (isSeen(judgement)) seen += 1;
    const said = violated === undefined ? 'no verdict' : `violated: ${violated.join(', ') || 'nothing'}`;
    say(`  ${isSeen(judgement) ? 'seen' : 'NOT SEEN'} after ${(durationMs / 1_000).toFixed(0)} s; ${said}\n  ${first}`);
  }
  say(`\n${seen} of ${mutants.length} mutants seen by the fault runner`);
  return seen === mutants.length;
}

async function run(mutants: readonly Mutant[], minutes: number, report: string | undefined): Promise<boolean> {
  const end = new AbortController();
  const timer = setTimeout(() => end.abort(), minutes * 60_000);
  process.once('SIGINT', () => end.abort());
  process.once('SIGTERM', () => end.abort());
  const { servers, folder, stop } = await startServers();
  try {
    say(`control: the specs of ${mutants.length} mutants on the source as it is …`);
    let place = 0;
    const verdicts = await runMutants(mutants, {
      root: REPOSITORY_ROOT,
      servers,
      folder,
      proofs,
      signal: end.signal,
      onControl: ({ tests, complaints, durationMs }) => {
        const red = tests.filter(({ failure }) => failure !== undefined);
        say(`control: ${tests.length} tests, ${red.length} red, ${(durationMs / 1_000).toFixed(0)} s`);
        for (const { spec, fullTitle, failure } of red) say(`  ${spec}: ${fullTitle}: ${failure?.message}`);
        for (const complaint of complaints) say(`  ${complaint}`);
      },
      onVerdict: (verdict) => say(progressLine(verdict, (place += 1), mutants.length)),
    });
    say(`\n${summary(verdicts, mutants)}`);
    if (report !== undefined) writeFileSync(report, markdown(verdicts, mutants));
    return verdicts.filter(({ outcome }) => outcome === 'killed').length === mutants.length;
  } finally {
    clearTimeout(timer);
    await stop();
  }
}

/**
 * Started once: a mutant costs the time of its specs and a template database. Their folder is one of those that a test run finds and
 * clears away when its owner was killed.
 */
async function startServers(): Promise<{ servers: TestServers; folder: string; stop(): Promise<void> }> {
  const scratch = mkdtempSync(join(tmpdir(), SCRATCH_PREFIX));
  chmodSync(scratch, 0o755);
  writeFileSync(join(scratch, 'owner.pid'), String(process.pid));
  const [postgresPort = 0, kafkaPort = 0, controllerPort = 0] = await freePorts(3);
  const dataDir = join(scratch, 'pgdata');
  const postgres = await startPostgres({
    dataDir,
    port: postgresPort,
    logFile: join(scratch, 'postgres.log'),
    settings: THROWAWAY_SETTINGS,
  });
  const kafka = await startKafka({ dataDir: join(scratch, 'kafka'), port: kafkaPort, controllerPort, logFile: join(scratch, 'kafka.log') });
  const killAll = (): void => [postgres, kafka].forEach(({ process: child }) => child.kill('SIGKILL'));
  process.once('exit', killAll);
  return {
    folder: scratch,
    servers: { databaseUrl: postgres.urlOf('postgres'), kafkaBrokers: [kafka.broker] },
    stop: async () => {
      await Promise.all([kafka.process.stop('SIGKILL'), postgres.process.stop('SIGQUIT', 5_000)]);
      process.off('exit', killAll);
      removeCluster(dataDir);
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

function parsed(): { mutants: readonly Mutant[]; list: boolean; report: string | undefined; minutes: number; chaos: boolean } {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        list: { type: 'boolean', default: false },
        report: { type: 'string' },
        minutes: { type: 'string', default: '40' },
        chaos: { type: 'boolean', default: false },
      },
    });
    const { list, report, chaos } = values;
    const names = values.only?.split(',').map((name) => name.trim()) ?? (chaos ? TRIED_BY_CHAOS : undefined);
    const unknown = names?.filter((name) => !MUTANTS.some((mutant) => mutant.name === name)) ?? [];
    if (unknown.length > 0) throw new Error(`no mutant is called ${unknown.join(', ')}: --list shows their names`);
    const minutes = Number(values.minutes);
    if (!(minutes > 0)) throw new Error('--minutes must be a number above 0');
    return { mutants: MUTANTS.filter(({ name }) => names?.includes(name) ?? true), list, report, minutes, chaos };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
