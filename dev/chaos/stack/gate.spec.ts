// Proves: nobody passes a closed gate, however often it was closed, and nobody waits at an open one.
import { expect, it } from 'vitest';
import { Gate } from './gate.js';

const settled = async (promise: Promise<void>): Promise<boolean> => {
  const done = promise.then(() => true);
  return Promise.race([done, new Promise<boolean>((resolve) => setImmediate(() => resolve(false)))]);
};

it('is open at first', async () => {
  expect(await settled(new Gate().pass())).toBe(true);
});

it('is passed when all who closed it have opened it', async () => {
  const gate = new Gate();
  const [one, other] = [gate.close(), gate.close()];
  const passing = gate.pass();
  one();
  one();
  expect(await settled(passing)).toBe(false);
  other();
  expect(await settled(passing)).toBe(true);
});

it('holds up nobody at the end', async () => {
  const gate = new Gate();
  gate.close();
  const passing = gate.pass();
  gate.forceOpen();
  expect(await settled(passing)).toBe(true);
});
