/** Proves that progress is told as a person at a terminal, or a log, needs it. */
import { expect, it } from 'vitest';
import { Progress } from './progress.js';

function observed(isTTY: boolean) {
  const written: string[] = [];
  const clock = { now: 0 };
  const progress = new Progress('orders', 400, { write: (text) => void written.push(text), isTTY }, () => clock.now);
  return { progress, written, clock };
}

it('updates one line on a terminal, with rate and time left', () => {
  const { progress, written, clock } = observed(true);
  clock.now = 1_000;
  progress.advance(100);
  clock.now = 1_100;
  progress.advance(10);
  clock.now = 4_000;
  progress.to(400);
  progress.end();
  expect(written).toEqual([
    '\r\x1b[2Korders: 100 of 400, 100/s, 1 s, 3 s left',
    '\r\x1b[2Korders: 400 of 400, 100/s, 4 s',
    '\r\x1b[2Korders: 400 of 400, 100/s, 4 s',
    '\n',
  ]);
});

it('writes a line now and then elsewhere', () => {
  const { progress, written, clock } = observed(false);
  for (clock.now = 0; clock.now <= 12_000; clock.now += 100) progress.advance();
  expect(written).toEqual(['orders: 51 of 400, 10/s, 5 s, 34 s left\n', 'orders: 101 of 400, 10/s, 10 s, 30 s left\n']);
});

it('can begin to count its time later', () => {
  const { progress, clock } = observed(false);
  clock.now = 60_000;
  progress.restart();
  clock.now = 62_000;
  progress.to(4, 'two open');
  expect(progress.line()).toBe('orders: 4 of 400, 2.0/s, 2 s, 3 min 18 s left, two open');
  expect(progress.end()).toBe(2);
});
