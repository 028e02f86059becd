import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { DURABLE_SETTINGS, startPostgres } from '../embedded-postgres.js';
import { startKafka } from '../kafka.js';
import { freePorts } from '../ports.js';
import { checkInvariants } from './check/check-invariants.js';
import type { ResourceSample } from './history/resource-sample.js';
import { holds, jsonBeside, summaryOf, writeReport, type RunFigures } from './report.js';
import { runFolder } from './run-folder.js';
import { RUN_BOUNDS } from './run.js';
import { DATABASE, TOPIC_PREFIX } from './stack/chaos-stack.js';

const TELL_EVERY_MS = 10_000;

export interface JudgeAgainOptions {
  /** Of a run that was kept, with its report. */
  readonly folder: string;
  readonly report: string | undefined;
  readonly write: (line: string) => void;
}

/**
 * Judges a kept run once more: its database and its topics are started again, nothing else, and the checkers as they are now look at the
 * same history, samples and faults. Answers whether everything holds.
 */
export async function judgeAgain({ folder: path, report, write }: JudgeAgainOptions): Promise<boolean> {
  const folder = runFolder(resolve(path));
  if (!existsSync(jsonBeside(folder.report))) throw new Error(`${folder.path} is no folder of a run that came to a verdict`);
  // A run that an earlier version kept may lack these.
  const missing = { plannedOfKind: {}, origins: {} };
  const figures = { ...missing, ...(JSON.parse(readFileSync(jsonBeside(folder.report), 'utf8')) as RunFigures) };
  const samples = await samplesOf(folder.samples);
  const [postgresPort = 0, kafkaPort = 0, controllerPort = 0] = await freePorts(3);
  const logFile = (name: string): string => join(folder.path, 'logs', `${name}-judged.log`);
  const postgres = await startPostgres({
    dataDir: join(folder.path, 'pgdata'),
    port: postgresPort,
    logFile: logFile('postgres'),
    settings: DURABLE_SETTINGS,
  });
  process.once('exit', () => postgres.process.kill('SIGQUIT'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  try {
    const kafka = await startKafka({ dataDir: join(folder.path, 'kafka'), port: kafkaPort, controllerPort, logFile: logFile('kafka') });
    try {
      process.once('exit', () => kafka.process.kill('SIGKILL'));
      const { faults, origins } = figures;
      let toldAt = 0;
      const invariants = await checkInvariants({
        historyFile: folder.history,
        databaseUrl: postgres.urlOf(DATABASE),
        kafkaBrokers: [kafka.broker],
        topicPrefix: TOPIC_PREFIX,
        gatewayBook: join(folder.path, 'gateway', 'book.ndjson'),
        faults,
        origins,
        samples,
        bounds: RUN_BOUNDS,
        onProgress: (doing) => {
          if (performance.now() - toldAt < TELL_EVERY_MS) return;
          toldAt = performance.now();
          write(`  ${doing}`);
        },
      });
      const judged: RunFigures = { ...figures, invariants, samples };
      summaryOf(judged).forEach(write);
      if (report !== undefined) writeReport(report, judged);
      return holds(judged);
    } finally {
      await kafka.stop();
    }
  } finally {
    await postgres.stop();
  }
}

async function samplesOf(file: string): Promise<ResourceSample[]> {
  const samples: ResourceSample[] = [];
  for await (const line of createInterface({ input: createReadStream(file) })) samples.push(JSON.parse(line) as ResourceSample);
  return samples;
}
