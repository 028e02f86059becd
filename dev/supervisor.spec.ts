// Proves: what dies is started again and said, the end comes in order and leaves nothing, not even what was just being restarted.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManagedProcess } from './managed-process.js';
import { Supervisor, type Service } from './supervisor.js';

const FOREVER = 'setInterval(() => {}, 1000)';

let folder: string;
let said: string[];
let spawned: ManagedProcess[];
let ended: string[];
let supervisor: Supervisor;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'supervisor-'));
  [said, spawned, ended] = [[], [], []];
  supervisor = new Supervisor({ say: (line) => said.push(line), onChange: () => undefined, restartDelayMs: 1 });
});
afterEach(async () => {
  await supervisor.stopAll();
  const left = spawned.filter((child) => child.running);
  rmSync(folder, { recursive: true });
  if (left.length > 0) throw new Error(`still running: ${left.map(({ name }) => name).join(', ')}`);
});

/** `script` is given the number of its start, from 1. */
function service(name: string, script: (start: number) => string = () => FOREVER): Service {
  let starts = 0;
  return {
    name,
    start: async (onSpawn) => {
      const child = await ManagedProcess.start({
        name,
        command: process.execPath,
        args: ['-e', script(++starts)],
        logFile: join(folder, `${name}.log`),
      });
      spawned.push(child);
      onSpawn(child);
    },
    stop: async (child) => {
      await child.stop('SIGTERM', 2_000);
      ended.push(name);
    },
  };
}

const start = (...services: Service[]) => supervisor.startGroup(services, (_name, work) => work());
const running = () => supervisor.processes.map(({ name }) => name);

test('a process that dies is started again', async () => {
  await start(service('relay'));
  spawned[0]!.kill('SIGKILL');
  await expect.poll(() => said).toContainEqual(expect.stringMatching(/^relay is up again after/));
  expect(said[0]).toBe('relay ended unexpectedly (killed by SIGKILL): starting it again');
  expect(running()).toEqual(['relay']);
  expect(spawned).toHaveLength(2);
});

test('one that keeps dying is started again each time', async () => {
  await start(service('relay', (count) => (count < 4 ? 'process.exit(3)' : FOREVER)));
  await expect.poll(() => spawned.length, { timeout: 10_000 }).toBe(4);
  expect(said.filter((line) => line.includes('(exit code 3): starting it again'))).toHaveLength(3);
});

test('groups end in reverse order of their start', async () => {
  await start(service('postgres'));
  await start(service('relay'), service('projector'));
  await start(service('command-api'));
  await supervisor.stopAll();
  expect(ended[0]).toBe('command-api');
  expect(ended.slice(1, 3).sort()).toEqual(['projector', 'relay']);
  expect(ended[3]).toBe('postgres');
});

test('nothing is started again once the end has begun', async () => {
  await start(service('relay'), service('projector'));
  spawned[0]!.kill('SIGKILL');
  await supervisor.stopAll();
  expect(running()).toEqual([]);
});

test('the first start that fails is told to the caller, and what was started beside it still ends', async () => {
  const broken: Service = { ...service('kafka'), start: () => Promise.reject(new Error('no Java')) };
  await expect(start(service('postgres'), broken)).rejects.toThrow('no Java');
  await supervisor.stopAll();
  expect(running()).toEqual([]);
});
