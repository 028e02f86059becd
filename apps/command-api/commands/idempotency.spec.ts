/** At most one effect a key, and the first answer again, byte for byte: over HTTP against PostgreSQL. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../../test/harness/index.js';
import { anOrder } from '../testing/order-body.js';
import { TestApi, type Answer } from '../testing/test-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.start(await createTestDatabase());
});
afterAll(() => api.close());

const key = () => ({ 'idempotency-key': randomUUID() });

/** What a repeat must share with the first answer. */
const essence = ({ status, text, headers }: Answer) => ({
  status,
  text,
  headers: ['content-type', 'etag', 'location', 'consistency-token', 'x-correlation-id'].map((name) => headers.get(name)),
});

describe('a repeated command', () => {
  it('gets the very same answer and has no second effect', async () => {
    const headers = key();
    const first = await api.post('/orders', anOrder(), headers);
    const again = await api.post('/orders', anOrder(), { ...headers, 'x-correlation-id': randomUUID() });
    expect(essence(again)).toEqual(essence(first));
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await api.count('events', `command_id = '${first.body.commandId}'`)).toBe(1);
  });

  it('is the same command when its fields come in another order', async () => {
    const headers = key();
    const first = await api.post('/stock/ORDER/receipts', '{"quantity":1,"reference":"r"}', headers);
    const again = await api.post('/stock/ORDER/receipts', '{ "reference": "r", "quantity": 1.0 }', headers);
    expect(essence(again)).toEqual(essence(first));
    expect((await api.get('/stock/ORDER')).body.onHand).toBe(1);
  });

  it('gets the first answer from another process, also after the state moved on and If-Match no longer holds', async () => {
    const headers = { ...key(), 'if-match': '"1"' };
    await api.post('/stock/AGAIN/receipts', { quantity: 1 });
    const first = await api.post('/stock/AGAIN/receipts', { quantity: 5 }, headers);
    expect(first.status).toBe(201);
    const other = await TestApi.start(api.database);
    const again = await other.post('/stock/AGAIN/receipts', { quantity: 5 }, headers);
    await other.close({ keepDatabase: true });
    expect(essence(again)).toEqual(essence(first));
    expect((await api.get('/stock/AGAIN')).body.onHand).toBe(6);
  });

  it.each([
    ['body', '/stock/REUSED/receipts', { quantity: 2 }],
    ['path', '/stock/OTHER/receipts', { quantity: 1 }],
    ['command', '/orders', anOrder()],
  ])('with another %s is refused with 422', async (_what, path, body) => {
    const headers = key();
    await api.post('/stock/REUSED/receipts', { quantity: 1 }, headers);
    const refused = await api.post(path, body, headers);
    expect(refused.body).toMatchObject({ status: 422, code: 'idempotency-key-reused' });
  });
});

describe('a refusal', () => {
  it('by a business rule is kept: the repeat is refused the same way, whatever happened since', async () => {
    const headers = key();
    await api.post('/stock/KEPT/receipts', { quantity: 1 });
    const first = await api.post('/stock/KEPT/adjustments', { delta: -2, reason: 'x' }, headers);
    expect(first.body).toMatchObject({ status: 409, code: 'stock.below-zero' });
    await api.post('/stock/KEPT/receipts', { quantity: 10 });
    const again = await api.post('/stock/KEPT/adjustments', { delta: -2, reason: 'x' }, headers);
    expect(essence(again)).toEqual(essence(first));
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((await api.post('/stock/KEPT/adjustments', { delta: -2, reason: 'x' })).status).toBe(201);
  });

  it('of a request that was not valid is not kept: the corrected one may use the same key', async () => {
    const headers = key();
    expect((await api.post('/stock/FIXED/receipts', { quantity: 0 }, headers)).status).toBe(400);
    expect((await api.post('/stock/FIXED/receipts', { quantity: 1 }, headers)).status).toBe(201);
  });

  it('because of If-Match is not kept: the client looks, and tries again', async () => {
    const headers = key();
    await api.post('/stock/LOOK/receipts', { quantity: 1 });
    expect((await api.post('/stock/LOOK/receipts', { quantity: 1 }, { ...headers, 'if-match': '"9"' })).status).toBe(412);
    expect((await api.post('/stock/LOOK/receipts', { quantity: 1 }, { ...headers, 'if-match': '"1"' })).status).toBe(201);
  });
});

describe('the same key many times at once', () => {
  it('has exactly one effect; everybody gets that answer or is told that it is still running', async () => {
    const headers = key();
    const answers = await Promise.all(Array.from({ length: 100 }, () => api.post('/stock/ONCE/receipts', { quantity: 7 }, headers)));
    const done = answers.filter(({ status }) => status === 201);
    const running = answers.filter(({ body }) => body.code === 'command-running');
    expect(done.length).toBeGreaterThan(0);
    expect(done.length + running.length).toBe(100);
    expect(new Set(done.map(({ text }) => text)).size).toBe(1);
    expect(done.filter((answer) => answer.headers.get('idempotency-replayed') === null)).toHaveLength(1);
    expect(running.every((answer) => answer.status === 409 && answer.headers.get('retry-after') === '1')).toBe(true);
    expect((await api.get('/stock/ONCE')).body).toMatchObject({ onHand: 7, version: 1 });
  });

  it('with another payload in between leaves the key with its owner', async () => {
    const headers = key();
    const first = await api.post('/stock/OWNED/receipts', { quantity: 1 }, headers);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, index) => api.post('/stock/OWNED/receipts', { quantity: index % 2 === 0 ? 2 : 1 }, headers)),
    );
    const told = answers.map(({ status, body, text }) => (text === first.text ? 'first answer' : (body.code ?? status)));
    const others = told.filter((_, index) => index % 2 === 0);
    const repeats = told.filter((_, index) => index % 2 === 1);
    expect(others.filter((each) => each !== 'idempotency-key-reused' && each !== 'command-running')).toEqual([]);
    expect(repeats.filter((each) => each !== 'first answer' && each !== 'command-running')).toEqual([]);
  });

  it('through two processes has exactly one effect as well', async () => {
    const other = await TestApi.start(api.database);
    const headers = key();
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? api : other).post('/orders', anOrder(), headers)),
    );
    await other.close({ keepDatabase: true });
    const done = answers.filter(({ status }) => status === 201);
    expect(new Set(done.map(({ text }) => text)).size).toBe(1);
    expect(answers.every(({ status, body }) => status === 201 || body.code === 'command-running')).toBe(true);
    expect(await api.count('commands', `idempotency_key = '${headers['idempotency-key']}'`)).toBe(1);
    expect(await api.count('events', `command_id = '${done[0]?.body.commandId}'`)).toBe(1);
  });
});
