// Proves: `npm start` brings everything up, restarts what dies, ends without leaving a process, and finds its data again.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { removeCluster } from '../dev/embedded-postgres.js';
import { endLeftovers } from '../dev/leftovers.js';
import { REPOSITORY_ROOT } from '../dev/paths.js';
import { freePorts } from '../dev/ports.js';
import { commandLineOf } from '../dev/process-table.js';
import { findStackFile, isOurs, readStackFile, type StackFile } from '../dev/stack-file.js';
import { waitFor } from './harness/index.js';

const PATIENCE = 120_000;
const PORT_VARIABLES = [
  'POSTGRES_PORT',
  'KAFKA_PORT',
  'KAFKA_CONTROLLER_PORT',
  'COMMAND_API_PORT',
  'QUERY_API_PORT',
  'RELAY_PORT',
  'ORCHESTRATOR_PORT',
  'PROJECTOR_PORT',
  'GATEWAY_PORT',
];

let state: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'tidemark-start-'));
  const ports = await freePorts(PORT_VARIABLES.length);
  env = {
    ...process.env,
    TIDEMARK_STATE_DIR: state,
    ...Object.fromEntries(PORT_VARIABLES.map((name, index) => [name, String(ports[index])])),
  };
});
afterAll(async () => {
  await endLeftovers(state);
  removeCluster(join(state, 'pgdata'));
  rmSync(state, { recursive: true, force: true });
}, 60_000);

class Run {
  output = '';
  private readonly child: ChildProcess;
  readonly exited: Promise<unknown[]>;

  constructor(script: 'start' | 'stop', args: readonly string[] = [], more: NodeJS.ProcessEnv = {}) {
    this.child = spawn(process.execPath, [join(REPOSITORY_ROOT, 'dist/dev', `${script}.js`), ...args], { env: { ...env, ...more } });
    this.child.stdout!.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.child.stderr!.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.exited = once(this.child, 'close');
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async shows(text: string | RegExp): Promise<void> {
    await waitFor(
      () => {
        if (this.child.exitCode !== null && !new RegExp(text).test(this.output)) throw new Error(`it ended:\n${this.output}`);
        return new RegExp(text).test(this.output);
      },
      { deadlineMs: PATIENCE, what: `"${String(text)}" at the terminal` },
    );
  }

  async exitCode(): Promise<number | null> {
    const [code] = await this.exited;
    return code as number | null;
  }
}

function pidOf(name: string): number {
  return findStackFile(state)!.processes.find((entry) => entry.name === name)!.pid;
}

async function sees(orderId: string, stack: StackFile): Promise<unknown> {
  return ((await (await fetch(`${stack.urls.queryApi}/orders/${orderId}`)).json()) as { status: string }).status;
}

function allGone({ processes }: StackFile): boolean {
  return processes.every((entry) => !isOurs(entry));
}

describe('npm start', () => {
  let first: Run;
  let stack: StackFile;
  let paidOrder: string;

  test(
    'brings everything up and shows how four sample orders ended',
    async () => {
      first = new Run('start');
      await first.shows('Tidemark is up after');
      expect(first.output).toMatch(/paid +confirmed/);
      expect(first.output).toMatch(/card declined +rejected \(payment-declined\)/);
      expect(first.output).toMatch(/out of stock +rejected \(out-of-stock\)/);
      expect(first.output).toMatch(/customer cancels +cancelled/);
      expect(first.output).not.toContain('not what was expected');
      stack = readStackFile(state);
      expect(stack.state).toBe('running');
      expect(stack.processes.map(({ name }) => name).sort()).toEqual(
        ['supervisor', 'gateway', 'relay', 'orchestrator', 'projector', 'query-api', 'command-api', 'kafka', 'postgres'].sort(),
      );
      paidOrder = /paid +confirmed.* ([0-9a-f-]{36})/.exec(first.output)![1]!;
    },
    PATIENCE,
  );

  test(
    'says so when it runs already',
    async () => {
      const second = new Run('start');
      expect(await second.exitCode()).toBe(1);
      expect(second.output).toContain('Tidemark is already running here');
    },
    PATIENCE,
  );

  test.each(['relay', 'kafka', 'postgres'])(
    'starts %s again when it dies, and says so',
    async (name) => {
      const before = pidOf(name);
      process.kill(before, 'SIGKILL');
      await first.shows(new RegExp(`${name} ended unexpectedly \\(killed by SIGKILL\\): starting it again`));
      await first.shows(`${name} is up again after`);
      expect(pidOf(name)).not.toBe(before);
      expect(commandLineOf(pidOf(name))).not.toBe('');
    },
    PATIENCE,
  );

  test(
    'ends everything in order on Ctrl-C, also when the key press arrives twice',
    async () => {
      stack = readStackFile(state);
      first.signal('SIGINT');
      first.signal('SIGINT');
      expect(await first.exitCode()).toBe(0);
      expect(first.output).toContain('everything has stopped after');
      expect(allGone(stack)).toBe(true);
      expect(existsSync(join(state, 'stack.json'))).toBe(false);
    },
    PATIENCE,
  );

  test(
    'runs in the background with --detach, finds its data again, and ends what a killed supervisor left',
    async () => {
      const background = new Run('start', ['--detach']);
      expect(await background.exitCode(), background.output).toBe(0);
      expect(background.output).toContain('It runs in the background');
      const orphaned = readStackFile(state);
      expect(await sees(paidOrder, orphaned)).toBe('confirmed');

      process.kill(pidOf('supervisor'), 'SIGKILL');
      await waitFor(() => commandLineOf(pidOf('supervisor')) === '', { what: 'the end of the supervisor' });
      expect(() => readStackFile(state)).toThrow(/no longer running/);
      const next = new Run('start', ['--detach']);
      expect(await next.exitCode(), next.output).toBe(0);
      expect(next.output).toMatch(/ended what an earlier start had left running: .*relay.*postgres/);
      expect(allGone(orphaned)).toBe(true);
    },
    2 * PATIENCE,
  );

  test(
    'is ended by npm stop',
    async () => {
      stack = readStackFile(state);
      const stop = new Run('stop');
      expect(await stop.exitCode()).toBe(0);
      expect(stop.output).toContain('everything has stopped');
      expect(allGone(stack)).toBe(true);
      expect(() => readStackFile(state)).toThrow(/npm start/);
    },
    PATIENCE,
  );

  test(
    'tells a taken port in one sentence',
    async () => {
      const other = createServer().listen(Number(env.QUERY_API_PORT), '127.0.0.1');
      await once(other, 'listening');
      const run = new Run('start');
      expect(await run.exitCode()).toBe(1);
      expect(run.output).toContain(`Port ${env.QUERY_API_PORT} (query-api) is taken by another program`);
      other.close();
    },
    PATIENCE,
  );
});
