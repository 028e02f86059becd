import { setTimeout as delay } from 'node:timers/promises';
import { runningProcess, type HitContext, type MadeHit } from './injector.js';

/** Stands still for so long that its lock or its session is given to another; then goes on and does not know that time has passed. */
export async function stopHit(
  [least, most]: readonly [least: number, most: number],
  { stack, instance, random, signal }: HitContext,
): Promise<MadeHit> {
  const child = await runningProcess(stack, instance!.name, signal);
  // Somewhere in its work, not always right after it has begun it.
  await delay(random.between(0, 400), undefined, { signal }).catch(() => undefined);
  const startedAt = Date.now();
  child.kill('SIGSTOP');
  try {
    await delay(random.between(least, most), undefined, { signal }).catch(() => undefined);
  } finally {
    child.kill('SIGCONT');
  }
  return { startedAt, healedAt: Date.now() };
}
