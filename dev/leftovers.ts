import { setTimeout as delay } from 'node:timers/promises';
import { findStackFile, isOurs, removeStackFile, type StackProcess } from './stack-file.js';

/** Applications have 10 s for their own end, PostgreSQL writes a checkpoint. */
const GRACE_MS = 30_000;

/**
 * Ends what a killed supervisor left running, by the ids it wrote down and only where the command line is still the one it wrote
 * down; in the order of a proper stop. Answers the names of what it ended.
 */
export async function endLeftovers(directory: string): Promise<string[]> {
  const left = (findStackFile(directory)?.processes ?? []).filter((entry) => entry.pid !== process.pid && isOurs(entry));
  const apps = left.filter(({ name }) => name !== 'kafka' && name !== 'postgres');
  await Promise.all(apps.map(end));
  for (const store of ['kafka', 'postgres']) await Promise.all(left.filter(({ name }) => name === store).map(end));
  removeStackFile(directory);
  return left.map(({ name }) => name);
}

async function end(target: StackProcess): Promise<void> {
  sendSignal(target, target.name === 'postgres' ? 'SIGINT' : 'SIGTERM');
  if (await isGone(target, GRACE_MS)) return;
  sendSignal(target, 'SIGKILL');
  if (!(await isGone(target, 5_000))) throw new Error(`${target.name} (process ${target.pid}) of an earlier start cannot be ended.`);
}

/** A process that has just gone is no error. */
export function sendSignal({ pid }: StackProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Waits until this process is gone. */
export async function isGone(target: StackProcess, deadlineMs: number): Promise<boolean> {
  for (const giveUpAt = Date.now() + deadlineMs; Date.now() < giveUpAt; await delay(50)) {
    if (!isOurs(target)) return true;
  }
  return !isOurs(target);
}
