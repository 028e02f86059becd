import { setTimeout as delay } from 'node:timers/promises';
import { isAlive } from '../../process-table.js';
import { INSTANCES } from '../stack/instance.js';
import { EVERYTHING } from '../stack/recovery.js';
import type { FaultContext, FaultKind, Injection } from './fault.js';

const HIT = { instances: INSTANCES, stages: EVERYTHING } as const;
const TARGET = ['postgres'] as const;

const immediateShutdown: FaultKind = {
  kind: 'postgres immediate shutdown',
  targets: TARGET,
  holdMs: [0, 4_000],
  weight: 2,
  inject: (context) => end('SIGQUIT', context),
};

/** The backends find out by themselves, and a new postmaster has to wait for them. */
const killPostmaster: FaultKind = {
  kind: 'kill postmaster',
  targets: TARGET,
  holdMs: [0, 3_000],
  inject: (context) => end('SIGKILL', context),
};

/** Healed when the new one takes connections: recovering from its log is its own affair. */
async function end(signal: NodeJS.Signals, { stack, watch }: FaultContext): Promise<Injection> {
  const restart = stack.keepDown('postgres');
  const postgres = stack.processOf('postgres');
  postgres.kill(signal);
  await postgres.exited;
  const heal = async (): Promise<void> => {
    restart();
    await watch.untilUp('postgres');
  };
  return { heal, hit: HIT };
}

/** PostgreSQL cannot know what a backend that died without a word has done to shared memory: it throws everybody out and recovers. */
const killBackend: FaultKind = {
  kind: 'kill one backend',
  targets: TARGET,
  holdMs: [0, 0],
  async inject({ watch, random }) {
    const { pid, name } = random.of(await backends(watch));
    process.kill(pid, 'SIGKILL');
    const heal = async (): Promise<void> => {
      // The postmaster has buried it: from then on it takes nobody until it has recovered.
      while (isAlive(pid)) await delay(5);
      await watch.untilUp('postgres');
    };
    return { heal, hit: HIT, note: `one of ${name}` };
  },
};

/** As an administrator does: those sessions end, all others go on. */
const terminateBackends: FaultKind = {
  kind: 'terminate backends',
  targets: TARGET,
  holdMs: [0, 0],
  async inject({ watch, random }) {
    const all = await backends(watch);
    const { name } = random.of(all);
    await watch.rows('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [
      all.filter((each) => each.name === name).map(({ pid }) => pid),
    ]);
    return { hit: HIT, note: `all of ${name}` };
  },
};

/** Every commit waits before it flushes the write-ahead log: to whoever commits, as on a disk whose fsync takes that long. */
const slowCommits: FaultKind = {
  kind: 'slow commits',
  targets: TARGET,
  holdMs: [4_000, 8_000],
  async inject({ watch, random }) {
    const delayMs = random.between(20, 100);
    await configure(watch, [`ALTER SYSTEM SET commit_delay = ${delayMs * 1_000}`, 'ALTER SYSTEM SET commit_siblings = 0']);
    return {
      heal: () => configure(watch, ['ALTER SYSTEM RESET commit_delay', 'ALTER SYSTEM RESET commit_siblings']),
      hit: HIT,
      note: `each commit ${delayMs} ms late`,
    };
  },
};

/** One session stands still, with whatever it holds locked: its client waits, and so does whoever waits for its locks. */
const pauseBackend: FaultKind = {
  kind: 'pause one backend',
  targets: TARGET,
  holdMs: [3_000, 9_000],
  async inject({ watch, random }) {
    const { pid, name } = random.of(await backends(watch));
    process.kill(pid, 'SIGSTOP');
    return {
      heal: async () => {
        if (await isRunning(watch, pid)) process.kill(pid, 'SIGCONT');
      },
      hit: HIT,
      note: `one of ${name}`,
    };
  },
};

interface Backend {
  readonly pid: number;
  readonly name: string;
}

/** Sessions of the apps. */
async function backends(watch: FaultContext['watch']): Promise<Backend[]> {
  const found = await watch.rows<Backend>(
    `SELECT pid, application_name AS name FROM pg_stat_activity
     WHERE datname = current_database() AND backend_type = 'client backend' AND application_name <> 'tidemark-chaos' ORDER BY pid`,
  );
  if (found.length === 0) throw new Error('no app has a session');
  return found;
}

async function isRunning(watch: FaultContext['watch'], pid: number): Promise<boolean> {
  return (await watch.rows('SELECT 1 FROM pg_stat_activity WHERE pid = $1', [pid])).length > 0;
}

async function configure(watch: FaultContext['watch'], statements: readonly string[]): Promise<void> {
  for (const statement of statements) await watch.rows(statement);
  await watch.rows('SELECT pg_reload_conf()');
}

export const postgresFaults: readonly FaultKind[] = [
  immediateShutdown,
  killPostmaster,
  killBackend,
  terminateBackends,
  slowCommits,
  pauseBackend,
];
