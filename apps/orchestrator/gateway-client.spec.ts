/** Proves what each kind of answer, and of silence, of the payment gateway means to the saga. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GatewayClient } from './gateway-client.js';

const payment = { reference: 'o1', amount: 255, currency: 'GBP', paymentToken: 'tok_ok' };
let server: Server;
let client: GatewayClient;
let answer: { status: number; body: string } | 'silence' | 'hang-up' | 'drops';
let seen: { path: string; key: string | undefined; body: string }[];

beforeEach(async () => {
  answer = { status: 200, body: '{}' };
  seen = [];
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      seen.push({ path: request.url ?? '', key: request.headers['idempotency-key'] as string | undefined, body });
      if (answer === 'hang-up') request.socket.destroy();
      else if (answer === 'drops') {
        const drip = setInterval(() => response.write(' '), 20);
        request.socket.on('close', () => clearInterval(drip));
      } else if (answer !== 'silence') response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new GatewayClient({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, timeoutMs: 200, concurrency: 4 });
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await client.close();
});

const answering = (status: number, body: object | string = {}): void => {
  answer = { status, body: typeof body === 'string' ? body : JSON.stringify(body) };
};

describe('an operation sent to the gateway', () => {
  it('is done on success', async () => {
    answering(201, { id: 'pay_1', status: 'authorized' });
    expect(await client.send('authorize', payment)).toEqual({ kind: 'done', gatewayId: 'pay_1' });
  });

  it('has one idempotency key for ever, its own', async () => {
    await client.send('capture', payment);
    await client.send('capture', payment);
    await client.send('refund', payment);
    expect(seen.map(({ path, key }) => [path, key])).toEqual([
      ['/payments/o1/capture', 'o1:capture'],
      ['/payments/o1/capture', 'o1:capture'],
      ['/payments/o1/refund', 'o1:refund'],
    ]);
  });

  it('is declined by 402 alone', async () => {
    answering(402, { code: 'insufficient-funds', detail: 'no' });
    expect(await client.send('authorize', payment)).toEqual({ kind: 'declined', code: 'insufficient-funds', detail: 'no' });
  });

  it.each([400, 404, 422])('is rejected by %i: the request is at fault, not the customer', async (status) => {
    answering(status, { code: 'wrong', detail: 'so' });
    expect(await client.send('authorize', payment)).toEqual({ kind: 'rejected', code: 'wrong', detail: 'so' });
  });

  it.each([401, 403, 408, 409, 425, 429, 500, 503])('is unknown after %i', async (status) => {
    answering(status);
    expect(await client.send('authorize', payment)).toMatchObject({ kind: 'unknown' });
  });

  it.each(['silence', 'hang-up', 'drops'] as const)('is unknown after %s', async (fate) => {
    answer = fate;
    expect(await client.send('authorize', payment)).toMatchObject({ kind: 'unknown' });
  });

  it('is unknown after an answer that cannot be read', async () => {
    answering(200, '<html>');
    expect(await client.send('authorize', payment)).toMatchObject({ kind: 'unknown' });
  });

  it('is unknown after an answer that is longer than any it gives', async () => {
    answering(201, JSON.stringify({ id: 'pay_1' }).padEnd(64 * 1024));
    expect(await client.send('authorize', payment)).toEqual({ kind: 'done', gatewayId: 'pay_1' });
    answering(201, JSON.stringify({ id: 'pay_1' }).padEnd(64 * 1024 + 1));
    expect(await client.send('authorize', payment)).toMatchObject({ kind: 'unknown' });
    answering(404, ' '.repeat(1_000_000));
    expect(await client.lookUp('o1')).toMatchObject({ kind: 'unknown' });
  });

  it('was not sent when nothing listens', async () => {
    const nobody = new GatewayClient({ url: 'http://127.0.0.1:9', timeoutMs: 200, concurrency: 1 });
    expect(await nobody.send('authorize', payment)).toMatchObject({ kind: 'not-sent' });
    await nobody.close();
  });

  it('is not sent while the circuit is open, and is again once the gateway answers', async () => {
    answering(503);
    for (let call = 0; call < 10; call += 1) await client.send('authorize', payment);
    const before = seen.length;
    expect(await client.send('authorize', payment)).toMatchObject({ kind: 'not-sent' });
    expect(seen).toHaveLength(before);
    answering(201, { id: 'pay_1' });
    await expect.poll(() => client.send('authorize', payment), { timeout: 5_000 }).toEqual({ kind: 'done', gatewayId: 'pay_1' });
  });
});

describe('a look-up', () => {
  it('finds nothing, a payment, or nothing it understands', async () => {
    answering(404);
    expect(await client.lookUp('o1')).toEqual({ kind: 'found', payment: 'none', gatewayId: null });
    answering(200, { id: 'pay_1', status: 'captured' });
    expect(await client.lookUp('o1')).toEqual({ kind: 'found', payment: 'captured', gatewayId: 'pay_1' });
    answering(200, { status: 'pondering' });
    expect(await client.lookUp('o1')).toMatchObject({ kind: 'unknown' });
  });
});
