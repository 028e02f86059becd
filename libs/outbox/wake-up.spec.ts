// Proves that a wake-up is never lost between two waits, and that a pause is not cut short by one.
import { expect, it } from 'vitest';
import { WakeUp } from './wake-up.js';

const FOREVER = 600_000;

it('ends a wait that runs, and one that has not begun yet', async () => {
  const wakeUp = new WakeUp();
  const waiting = wakeUp.wait(FOREVER);
  wakeUp.wake();
  await waiting;
  wakeUp.wake();
  await wakeUp.wait(FOREVER);
  await wakeUp.wait(1);
});

it('does not end a pause, but is kept for the wait behind it', async () => {
  const wakeUp = new WakeUp();
  const startedAt = performance.now();
  const pausing = wakeUp.pause(30);
  wakeUp.wake();
  await pausing;
  expect(performance.now() - startedAt).toBeGreaterThan(25);
  await wakeUp.wait(FOREVER);
});

it('ends a pause that was cancelled', async () => {
  const wakeUp = new WakeUp();
  let cancelled = false;
  const pausing = wakeUp.pause(FOREVER, () => cancelled);
  cancelled = true;
  wakeUp.wake();
  await pausing;
  await wakeUp.pause(FOREVER, () => cancelled);
});
