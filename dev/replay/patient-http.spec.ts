/** Proves that a request is repeated while that can help, with the same key and no sooner than asked, and given up in the end. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PatientHttp, ServerGoneError } from './patient-http.js';
import { FakeStack } from './testing/fake-stack.js';

let stack: FakeStack;
let http: PatientHttp;
beforeEach(async () => {
  stack = await new FakeStack().start();
  http = new PatientHttp({ origin: stack.url, connections: 2, giveUpAfterMs: 300 });
});
afterEach(async () => {
  await http.close();
  await stack.stop();
});

const receive = () => http.post('/stock/20001/receipts', 'key-1', { quantity: 5 });

it('has one effect when the answer to the first request is lost', async () => {
  stack.faults.push('cut-after');
  expect(await receive()).toMatchObject({ status: 201, headers: { 'idempotency-replayed': 'true' } });
  expect(stack.onHand.get('20001')).toBe(5);
  expect([...http.repeats.values()]).toEqual([1]);
});

it('comes back no sooner than Retry-After says', async () => {
  stack.faults.push({ status: 503, retryAfter: '1' });
  const startedAt = performance.now();
  expect((await receive()).status).toBe(201);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(990);
});

it('repeats a 409 that says when to come back, and no other refusal', async () => {
  stack.faults.push({ status: 409, retryAfter: '0' });
  expect((await receive()).status).toBe(201);
  stack.faults.push({ status: 409 });
  expect((await receive()).status).toBe(409);
  stack.faults.push({ status: 400 });
  expect((await receive()).status).toBe(400);
});

it('goes on when the server comes back on the same port', async () => {
  await receive();
  const port = Number(new URL(stack.url).port);
  await stack.stop();
  const waiting = http.get('/orders/none');
  await expect.poll(() => http.repeats.size).toBeGreaterThan(0);
  await stack.start(port);
  expect((await waiting).status).toBe(404);
});

it('gives up a server that has been silent for too long', async () => {
  await stack.stop();
  await expect(receive()).rejects.toThrow(ServerGoneError);
  await expect(receive()).rejects.toThrow(/has not answered for .* ECONNREFUSED/);
});
