// Proves that the circuit opens, lets a trial through when its pause is over, and is not kept open by a clock that went back.
import { BrokenCircuitError } from 'cockatiel';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { GatewayCircuit } from './gateway-circuit.js';

const HOUR_MS = 3_600_000;
let changes: string[];
let circuit: GatewayCircuit;
const fails = () => Promise.reject(new Error('down'));
const works = () => Promise.resolve('paid');

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  changes = [];
  circuit = new GatewayCircuit((state) => changes.push(state));
  await Promise.allSettled(Array.from({ length: 10 }, () => circuit.execute(fails)));
});
afterEach(() => void vi.useRealTimers());

it('holds calls back after ten failures, until a trial after its pause gets through', async () => {
  await expect(circuit.execute(works)).rejects.toThrow(BrokenCircuitError);
  vi.advanceTimersByTime(1_500);
  expect(await circuit.execute(works)).toBe('paid');
  expect(changes).toEqual(['open', 'closed']);
});

it('goes on trying within its longest pause when the wall clock has gone back by three hours', async () => {
  vi.setSystemTime(Date.now() - 3 * HOUR_MS);
  await expect(circuit.execute(works)).rejects.toThrow(BrokenCircuitError);
  vi.advanceTimersByTime(11_000);
  expect(await circuit.execute(works)).toBe('paid');
  expect(changes).toEqual(['open', 'closed']);
});

it('opens again when the gateway is still down after that', async () => {
  vi.setSystemTime(Date.now() - 3 * HOUR_MS);
  vi.advanceTimersByTime(11_000);
  await Promise.allSettled(Array.from({ length: 10 }, () => circuit.execute(fails)));
  await expect(circuit.execute(works)).rejects.toThrow(BrokenCircuitError);
  expect(changes).toEqual(['open', 'closed', 'open']);
});
