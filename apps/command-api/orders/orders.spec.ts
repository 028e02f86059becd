/** Orders over HTTP against PostgreSQL: what is stored, answered, refused, and read back. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../../test/harness/index.js';
import { anOrder } from '../testing/order-body.js';
import { TestApi } from '../testing/test-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.start(await createTestDatabase());
});
afterAll(() => api.close());

describe('placing an order', () => {
  it('answers where it is, what it costs and how to wait for it', async () => {
    const answer = await api.post('/orders', anOrder());
    expect(answer.status).toBe(201);
    const { orderId } = answer.body;
    expect(answer.body).toMatchObject({
      status: 'placed',
      total: 1765,
      currency: 'GBP',
      version: 1,
      consistencyToken: `order-${orderId}@1`,
    });
    expect(answer.headers.get('location')).toBe(`/orders/${orderId}`);
    expect(answer.headers.get('etag')).toBe('"1"');
    expect(answer.headers.get('consistency-token')).toBe(`order-${orderId}@1`);
    expect(answer.headers.get('idempotency-replayed')).toBeNull();
  });

  it('stores the event with its metadata, and the command that caused it', async () => {
    const correlationId = randomUUID();
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const answer = await api.post('/orders', anOrder(), { 'x-actor': 'ada', 'x-correlation-id': correlationId, traceparent });
    expect(answer.headers.get('x-correlation-id')).toBe(correlationId);
    const { rows } = await api.sql.query('SELECT * FROM tidemark.events WHERE correlation_id = $1', [correlationId]);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      stream_id: `order-${answer.body.orderId}`,
      version: 1,
      type: 'OrderPlaced',
      schema_version: 1,
      actor: 'ada',
      command_id: answer.body.commandId,
      causation_id: answer.body.commandId,
      traceparent,
      occurred_at: new Date('2010-12-01T08:26:00Z'),
    });
    expect(rows[0].data.lines.map((line: { lineNo: number; sku: string }) => [line.lineNo, line.sku])).toEqual([
      [1, '85123A'],
      [2, '71053'],
    ]);
    const commands = await api.sql.query('SELECT * FROM tidemark.commands WHERE command_id = $1', [answer.body.commandId]);
    expect(commands.rows[0]).toMatchObject({ name: 'PlaceOrder', actor: 'ada', status: 201 });
    expect(await api.count('outbox', `stream_id = 'order-${answer.body.orderId}'`)).toBe(1);
  });

  it('takes the time of arrival when the client names none', async () => {
    const before = Date.now();
    const { body } = await api.post('/orders', anOrder({ placedAt: null }));
    const { rows } = await api.sql.query('SELECT occurred_at FROM tidemark.events WHERE command_id = $1', [body.commandId]);
    expect(rows[0].occurred_at.getTime()).toBeGreaterThanOrEqual(before);
    expect(rows[0].occurred_at.getTime()).toBeLessThanOrEqual(Date.now());
  });

  it('takes a SKU twice at two prices', async () => {
    const lines = [
      { sku: 'X', quantity: 1, unitPrice: 100 },
      { sku: 'x', quantity: 2, unitPrice: 50 },
    ];
    const { body } = await api.post('/orders', anOrder({ lines }));
    expect(body.total).toBe(200);
    expect((await api.get(`/orders/${body.orderId}`)).body.lines).toHaveLength(2);
  });

  it('takes 5000 lines, the most there may be', async () => {
    const lines = Array.from({ length: 5_000 }, (_, index) => ({
      sku: `SKU-${index}`,
      description: 'x'.repeat(100),
      quantity: 1,
      unitPrice: 1,
    }));
    expect((await api.post('/orders', anOrder({ lines }))).body).toMatchObject({ total: 5_000, status: 'placed' });
    const refused = await api.post('/orders', anOrder({ lines: [...lines, lines[0]] }));
    expect(refused.body).toMatchObject({ status: 400, code: 'validation-failed', errors: [{ path: 'lines' }] });
  });

  it('takes the highest total and the most pieces there may be, and refuses more as a business rule', async () => {
    const gold = { sku: 'GOLD', quantity: 1, unitPrice: 1_000_000_000_000 };
    const sand = { sku: 'SAND', quantity: 1_000_000_000, unitPrice: 0 };
    const penny = { sku: 'PENNY', quantity: 1, unitPrice: 1 };
    const placing = async (...lines: object[]) => (await api.post('/orders', anOrder({ lines }))).body;
    expect(await placing(gold)).toMatchObject({ status: 'placed', total: 1_000_000_000_000 });
    expect(await placing(gold, penny)).toMatchObject({ status: 409, code: 'order.total-too-large' });
    expect(await placing(sand)).toMatchObject({ status: 'placed', total: 0 });
    expect(await placing(sand, penny)).toMatchObject({ status: 409, code: 'order.too-many-pieces' });
  });
});

describe('reading an order', () => {
  it('finds it right after it was placed, without the customer or the token', async () => {
    const { body } = await api.post('/orders', anOrder());
    const read = await api.get(`/orders/${body.orderId}`);
    expect(read.status).toBe(200);
    expect(read.headers.get('etag')).toBe('"1"');
    expect(read.body).toMatchObject({ orderId: body.orderId, status: 'placed', version: 1, total: 1765, customerId: '17850' });
    expect(read.text).not.toContain('ada@example.org');
    expect(read.text).not.toContain('tok_ok');
  });

  it('answers 304 to the version the client has, 404 to an id that names nothing', async () => {
    const { body } = await api.post('/orders', anOrder());
    const same = await api.get(`/orders/${body.orderId}`, { 'if-none-match': '"1"' });
    expect([same.status, same.text]).toEqual([304, '']);
    expect((await api.get(`/orders/${body.orderId}`, { 'if-none-match': '"2"' })).status).toBe(200);
    expect((await api.get(`/orders/${randomUUID()}`)).body).toMatchObject({ status: 404, code: 'order.not-found' });
    expect((await api.get('/orders/nonsense')).body).toMatchObject({ status: 404, code: 'order.not-found' });
  });
});

describe('cancelling an order', () => {
  it('cancels it once, and says the same again', async () => {
    const { body } = await api.post('/orders', anOrder());
    const first = await api.post(`/orders/${body.orderId}/cancel`, { reason: 'Ordered twice.', cancelledAt: '2010-12-01T09:00:00+01:00' });
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({ orderId: body.orderId, status: 'cancelled', version: 2 });
    const again = await api.post(`/orders/${body.orderId}/cancel`, { reason: 'Ordered twice.' });
    expect(again.body).toMatchObject({ status: 'cancelled', version: 2 });
    expect(again.body.commandId).not.toBe(first.body.commandId);
    expect((await api.get(`/orders/${body.orderId}`)).body).toMatchObject({ status: 'cancelled', version: 2, refusal: 'Ordered twice.' });
    const { rows } = await api.sql.query(`SELECT occurred_at FROM tidemark.events WHERE stream_id = $1 AND version = 2`, [
      `order-${body.orderId}`,
    ]);
    expect(rows[0].occurred_at).toEqual(new Date('2010-12-01T08:00:00Z'));
  });

  it('refuses an order nobody placed', async () => {
    expect((await api.post(`/orders/${randomUUID()}/cancel`, { reason: 'x' })).body).toMatchObject({
      status: 404,
      code: 'order.not-found',
    });
  });

  it('does it only at the version the client insists on', async () => {
    const { body } = await api.post('/orders', anOrder());
    const path = `/orders/${body.orderId}/cancel`;
    const stale = await api.post(path, { reason: 'x' }, { 'if-match': '"7"' });
    expect(stale.body).toMatchObject({ status: 412, code: 'precondition-failed', version: 1 });
    expect(stale.headers.get('etag')).toBe('"1"');
    expect((await api.post(path, { reason: 'x' }, { 'if-match': 'W/"1"' })).status).toBe(412);
    expect((await api.post(path, { reason: 'x' }, { 'if-match': '"1" and more' })).body).toMatchObject({
      status: 400,
      code: 'header-invalid',
    });
    expect((await api.post(path, { reason: 'x' }, { 'if-match': '"0", "1"' })).body).toMatchObject({ status: 'cancelled', version: 2 });
    expect((await api.post(`/orders/${randomUUID()}/cancel`, { reason: 'x' }, { 'if-match': '*' })).status).toBe(412);
  });
});
