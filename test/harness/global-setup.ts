import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { removeCluster, startPostgres, THROWAWAY_SETTINGS, type RunningPostgres } from '../../dev/embedded-postgres.js';
import { startKafka, type RunningKafka } from '../../dev/kafka.js';
import { REPOSITORY_ROOT } from '../../dev/paths.js';
import { freePorts } from '../../dev/ports.js';
import { isAlive, listProcesses } from '../../dev/process-table.js';
import { needsOf, type Needs } from './needs.js';
import { borrowedServers, SCRATCH_PREFIX, type TestServers } from './servers.js';
import { dropTemplate, makeTemplate } from './template.js';

/**
 * One PostgreSQL and one Kafka for the whole run, on free ports, in a scratch folder that is removed at the end.
 * Only what the chosen specs use is started. What a killed earlier run left behind is ended first.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const needs = await needsOf(project);
  if (needs.build) execFileSync(process.execPath, [join(REPOSITORY_ROOT, 'dev', 'bootstrap.mjs'), 'build'], { stdio: 'inherit' });
  if (!needs.postgres) return async () => undefined;
  const borrowed = borrowedServers();
  if (borrowed !== undefined) return await onBorrowed(borrowed, needs, project);
  sweepLeftovers();
  const scratch = mkdtempSync(join(tmpdir(), SCRATCH_PREFIX));
  chmodSync(scratch, 0o755);
  writeFileSync(join(scratch, 'owner.pid'), String(process.pid));

  const [postgresPort = 0, kafkaPort = 0, controllerPort = 0] = await freePorts(3);
  const started = await Promise.allSettled([
    startPostgres({
      dataDir: join(scratch, 'pgdata'),
      port: postgresPort,
      logFile: join(scratch, 'postgres.log'),
      settings: THROWAWAY_SETTINGS,
    }),
    needs.kafka
      ? startKafka({ dataDir: join(scratch, 'kafka'), port: kafkaPort, controllerPort, logFile: join(scratch, 'kafka.log') })
      : undefined,
  ] as const);
  const [postgres, kafka] = started.map((result) => (result.status === 'fulfilled' ? result.value : undefined)) as [
    RunningPostgres | undefined,
    RunningKafka | undefined,
  ];
  const children = [postgres?.process, kafka?.process].filter((child) => child !== undefined);
  const killAll = (): void => children.forEach((child) => child.kill('SIGKILL'));
  process.once('exit', killAll);

  const teardown = async (): Promise<void> => {
    // Throwaway data: nothing is gained by a clean end.
    await Promise.all([kafka?.process.stop('SIGKILL'), postgres?.process.stop('SIGQUIT', 5_000)]);
    process.off('exit', killAll);
    removeCluster(join(scratch, 'pgdata'));
    rmSync(scratch, { recursive: true, force: true });
  };
  const failed = started.find((result) => result.status === 'rejected');
  try {
    if (failed !== undefined || postgres === undefined) throw failed?.reason ?? new Error('PostgreSQL did not start');
    const maintenance = postgres.urlOf('postgres');
    project.provide('templateDatabase', await makeTemplate(maintenance));
    project.provide('databaseUrl', maintenance);
    if (kafka !== undefined) project.provide('kafkaBrokers', [kafka.broker]);
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}

/** Servers of somebody else who runs us many times: ours is only the template, since what is migrated may differ from run to run. */
async function onBorrowed(servers: TestServers, needs: Needs, project: TestProject): Promise<() => Promise<void>> {
  const template = await makeTemplate(servers.databaseUrl);
  project.provide('templateDatabase', template);
  project.provide('databaseUrl', servers.databaseUrl);
  if (needs.kafka) project.provide('kafkaBrokers', servers.kafkaBrokers);
  return () => dropTemplate(servers.databaseUrl, template);
}

/** A run that was killed could not end its servers; their command lines name its scratch folder. */
function sweepLeftovers(): void {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(SCRATCH_PREFIX))) {
    const scratch = join(tmpdir(), name);
    const ownerFile = join(scratch, 'owner.pid');
    if (!existsSync(ownerFile) || isAlive(Number(readFileSync(ownerFile, 'utf8')))) continue;
    for (const { pid, commandLine } of listProcesses()) {
      if (commandLine.includes(scratch)) process.kill(pid, 'SIGKILL');
    }
    removeCluster(join(scratch, 'pgdata'));
    rmSync(scratch, { recursive: true, force: true });
  }
}
