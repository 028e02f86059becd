// Proves: the simulator moves money as a gateway does, never twice for one key, and its book survives being killed while writing.
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createGateway, type Gateway } from './gateway-server.js';

let folder: string;
let gateway: Gateway;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-'));
  gateway = await createGateway(join(folder, 'book.ndjson'));
});
afterEach(async () => {
  await gateway.app.close();
  rmSync(folder, { recursive: true });
});

async function reopen(): Promise<void> {
  await gateway.app.close();
  gateway = await createGateway(join(folder, 'book.ndjson'));
}

async function post(path: string, key: string, body: object = {}): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await gateway.app.inject({ method: 'POST', url: path, headers: { 'idempotency-key': key }, payload: body });
  return { status: response.statusCode, body: response.json() };
}
const authorize = (token: string, { reference = 'r1', key }: { reference?: string; key?: string } = {}) =>
  post('/payments', key ?? `${reference}:authorize`, { reference, amount: 1250, currency: 'GBP', token });
const change = (operation: string, reference = 'r1') =>
  post(`/payments/${reference}/${operation}`, `${reference}:${operation}`, { amount: 1250, currency: 'GBP' });
const statusOf = async (reference = 'r1') => (await gateway.app.inject(`/payments/${reference}`)).json().status as string;

describe('the life of a payment', () => {
  test('authorized, captured, refunded', async () => {
    expect(await authorize('tok_ok')).toMatchObject({ status: 201, body: { status: 'authorized', reference: 'r1', amount: 1250 } });
    expect(await change('capture')).toMatchObject({ status: 200, body: { status: 'captured' } });
    expect(await change('refund')).toMatchObject({ status: 200, body: { status: 'refunded' } });
    expect(await statusOf()).toBe('refunded');
  });
  test('an authorization can be voided, and then never captured', async () => {
    await authorize('tok_ok');
    expect(await change('void')).toMatchObject({ status: 200, body: { status: 'voided' } });
    expect(await change('capture')).toMatchObject({ status: 409, body: { code: 'already-voided' } });
  });
  test('an authorization that was not captured cannot be refunded', async () => {
    await authorize('tok_ok');
    expect(await change('refund')).toMatchObject({ status: 409, body: { code: 'already-authorized' } });
  });
  test('what was never asked for is not found', async () => {
    expect((await change('capture')).status).toBe(404);
    expect((await gateway.app.inject('/payments/r1')).statusCode).toBe(404);
  });
  test('a second authorization under one reference is refused, after a decline it is allowed', async () => {
    await authorize('tok_ok');
    expect(await authorize('tok_ok', { key: 'other' })).toMatchObject({ status: 409, body: { code: 'reference-used' } });
    await authorize('tok_declined', { reference: 'r2' });
    expect((await authorize('tok_ok', { reference: 'r2', key: 'again' })).status).toBe(201);
  });
});

describe('idempotency keys', () => {
  test('one key acts once, also when its requests come at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => authorize('tok_ok')));
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect((await gateway.app.inject('/book')).body.trim().split('\n')).toHaveLength(1);
  });
  test('a key keeps its first answer when the payment has moved on, and after a restart', async () => {
    const first = await authorize('tok_ok');
    await change('capture');
    await reopen();
    expect(await authorize('tok_ok')).toEqual(first);
    expect(await statusOf()).toBe('captured');
  });
  test('a decline is an answer too', async () => {
    const first = await authorize('tok_declined_no_funds');
    expect(first).toMatchObject({ status: 402, body: { status: 'declined', code: 'no_funds' } });
    expect(await authorize('tok_declined_no_funds')).toEqual(first);
  });
  test('a key used for another request is refused', async () => {
    await authorize('tok_ok');
    expect(await authorize('tok_ok', { reference: 'r2', key: 'r1:authorize' })).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    });
  });
  test('a POST without a key is refused', async () => {
    expect((await gateway.app.inject({ method: 'POST', url: '/payments', payload: {} })).statusCode).toBe(400);
  });
});

describe('troubles by token', () => {
  test('tok_fail_2 fails twice per operation and then works', async () => {
    expect((await authorize('tok_fail_2')).status).toBe(500);
    expect((await authorize('tok_fail_2')).status).toBe(500);
    expect((await authorize('tok_fail_2')).status).toBe(201);
    expect((await change('capture')).status).toBe(500);
  });
  test('tok_fail_2 has not forgotten after a restart how often it has failed', async () => {
    expect((await authorize('tok_fail_2')).status).toBe(500);
    await reopen();
    expect((await authorize('tok_fail_2')).status).toBe(500);
    await reopen();
    expect((await authorize('tok_fail_2')).status).toBe(201);
  });
  test('tok_down is down and knows nothing', async () => {
    expect((await authorize('tok_down')).status).toBe(503);
    expect(await statusOf()).toBeUndefined();
  });
  test('tok_pass_then_fail_capture declines the capture, and the authorization can be voided', async () => {
    expect((await authorize('tok_pass_then_fail_capture')).status).toBe(201);
    expect((await change('capture')).status).toBe(402);
    expect((await change('void')).status).toBe(200);
  });
  test('an unknown token is declined', async () => {
    expect(await authorize('tok_nonsense')).toMatchObject({ status: 402, body: { code: 'unknown-token' } });
  });
  test('tok_slow does it first and answers late; tok_late does it late', async () => {
    const slow = authorize('tok_slow_300', { reference: 'slow' });
    const late = authorize('tok_late_300', { reference: 'late' });
    await expect.poll(() => statusOf('slow')).toBe('authorized');
    expect(await statusOf('late')).toBeUndefined();
    expect([(await slow).status, (await late).status]).toEqual([201, 201]);
    expect(await statusOf('late')).toBe('authorized');
  });
  test.each(['authorize', 'capture', 'void', 'refund'])('tok_noanswer_%s does it and drops the connection once', async (dropped) => {
    const url = await gateway.app.listen({ port: 0, host: '127.0.0.1' });
    const call = (operation: string) =>
      fetch(operation === 'authorize' ? `${url}/payments` : `${url}/payments/r1/${operation}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': `r1:${operation}` },
        body:
          operation === 'authorize'
            ? JSON.stringify({ reference: 'r1', amount: 5, currency: 'GBP', token: `tok_noanswer_${dropped}` })
            : JSON.stringify({ amount: 5, currency: 'GBP' }),
      });
    const path = dropped === 'void' ? ['authorize', 'void'] : ['authorize', 'capture', 'refund'];
    for (const operation of path) {
      if (operation !== dropped) expect((await call(operation)).ok).toBe(true);
      else {
        await expect(call(operation)).rejects.toThrow('fetch failed');
        expect((await call(operation)).ok).toBe(true);
        break;
      }
    }
  });
});

describe('a void of a reference nobody has used', () => {
  test('takes it out of use: an authorization that arrives later is refused', async () => {
    expect(await change('void')).toMatchObject({ status: 200, body: { status: 'voided', amount: 1250 } });
    expect(await authorize('tok_ok')).toMatchObject({ status: 409, body: { code: 'reference-used' } });
    await reopen();
    expect(await statusOf()).toBe('voided');
  });
  test('also while that authorization is under way', async () => {
    const late = authorize('tok_late_100');
    expect((await change('void')).status).toBe(200);
    expect((await late).status).toBe(409);
    expect(await statusOf()).toBe('voided');
  });
});

test('tok_rejected is called a malformed request, and is not in the book', async () => {
  expect(await authorize('tok_rejected')).toMatchObject({ status: 422, body: { code: 'invalid-request' } });
  expect(await statusOf()).toBeUndefined();
});

describe('the book on disk', () => {
  test('a half-written last line is cut off, what was answered for stays', async () => {
    await authorize('tok_ok');
    await gateway.app.close();
    appendFileSync(join(folder, 'book.ndjson'), '{"at":"2026-01-01T00:0');
    gateway = await createGateway(join(folder, 'book.ndjson'));
    expect(await statusOf()).toBe('authorized');
    await change('capture');
    await reopen();
    expect(await statusOf()).toBe('captured');
  });
  test('damage in the middle is told, not skipped', async () => {
    await gateway.app.close();
    writeFileSync(join(folder, 'broken.ndjson'), 'nonsense\n{}\n');
    await expect(createGateway(join(folder, 'broken.ndjson'))).rejects.toThrow(/damaged at line 1/);
    gateway = await createGateway(join(folder, 'book.ndjson'));
  });
});
