/** Whatever is sent, the answer is a 4xx problem with a stable code, nothing is stored, and the next request is served. */
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../test/harness/index.js';
import { anOrder } from './testing/order-body.js';
import { TestApi } from './testing/test-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.start(await createTestDatabase());
});
afterAll(() => api.close());

const aLine = (changes: object) => ({ lines: [{ sku: 'A', quantity: 1, unitPrice: 1, ...changes }] });
const text = (length: number) => 'x'.repeat(length);

describe('bodies that are no acceptable JSON', () => {
  it.each<[string, string | Uint8Array, number, string]>([
    ['nothing', '', 400, 'malformed-json'],
    ['half of it', '{"reference":', 400, 'malformed-json'],
    ['two values', '{}{}', 400, 'malformed-json'],
    ['a byte order mark only', '\ufeff', 400, 'malformed-json'],
    ['NaN', '{"lines":NaN}', 400, 'malformed-json'],
    ['single quotes', "{'a':1}", 400, 'malformed-json'],
    ['a comment', '{} // hello', 400, 'malformed-json'],
    ['invalid UTF-8', new Uint8Array([0x7b, 0xc3, 0x28, 0x7d]), 400, 'malformed-json'],
    ['a NUL character in a value', '{"reference":"a\\u0000b"}', 400, 'malformed-json'],
    ['a NUL character in a name', '{"a\\u0000":1}', 400, 'malformed-json'],
    ['a lone surrogate', '{"reference":"\\ud83d"}', 400, 'malformed-json'],
    ['a lone low surrogate', '{"reference":"\\ude00\\ud83d"}', 400, 'malformed-json'],
    ['a prototype', '{"__proto__":{"reference":"x"}}', 400, 'malformed-json'],
    ['a constructor', '{"constructor":{"name":"x"}}', 400, 'malformed-json'],
    ['17 levels', '['.repeat(17) + ']'.repeat(17), 400, 'malformed-json'],
    ['a million brackets', '['.repeat(1_000_000), 400, 'malformed-json'],
    ['a number beyond doubles', '{"quantity":123456789012345678901234567890}', 400, 'malformed-json'],
    ['a number that only seems whole', '{"quantity":1.00000000000000000001}', 400, 'malformed-json'],
    ['more than 1 MiB', JSON.stringify({ reference: text(1024 * 1024) }), 413, 'body-too-large'],
    ['a list', '[]', 400, 'validation-failed'],
    ['a list of orders', JSON.stringify([anOrder()]), 400, 'validation-failed'],
    ['a text', '"order"', 400, 'validation-failed'],
    ['a number', '42', 400, 'validation-failed'],
    ['null', 'null', 400, 'validation-failed'],
    ['an empty object', '{}', 400, 'validation-failed'],
  ])('%s', async (_what, body, status, code) => {
    const answer = await api.post('/orders', body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });
});

describe('orders that are not valid', () => {
  it.each<[string, object, string]>([
    ['an unknown field', { total: 1 }, 'total'],
    ['an unknown field in a line', aLine({ lineNo: 7 }), 'lines.0.lineNo'],
    ['an unknown field of the customer', { customer: { id: '1', admin: true } }, 'customer.admin'],
    ['a name every object has', { toString: 'x' }, 'toString'],
    ['a name every object has, in a line', aLine({ hasOwnProperty: 1 }), 'lines.0.hasOwnProperty'],
    ['a name every object has, of the customer', { customer: { id: '1', valueOf: null } }, 'customer.valueOf'],
    ['no lines', { lines: [] }, 'lines'],
    ['lines that are an object', { lines: { 0: {}, length: 1 } }, 'lines'],
    ['lines that are numbers', { lines: [1, 2] }, 'lines.0'],
    ['lines that are null', { lines: [null] }, 'lines.0'],
    ['lines in lines', { lines: [[{ sku: 'A', quantity: 1, unitPrice: 1 }]] }, 'lines'],
    ['100 000 empty lines', { lines: Array.from({ length: 100_000 }, () => ({})) }, 'lines'],
    ['a negative price', aLine({ unitPrice: -1 }), 'lines.0.unitPrice'],
    ['a price with pence', aLine({ unitPrice: 2.55 }), 'lines.0.unitPrice'],
    ['a price as text', aLine({ unitPrice: '255' }), 'lines.0.unitPrice'],
    ['a price that is true', aLine({ unitPrice: true }), 'lines.0.unitPrice'],
    ['a price that is null', aLine({ unitPrice: null }), 'lines.0.unitPrice'],
    ['a price beyond bounds', aLine({ unitPrice: 9007199254740991 }), 'lines.0.unitPrice'],
    ['no pieces', aLine({ quantity: 0 }), 'lines.0.quantity'],
    ['half a piece', aLine({ quantity: 0.5 }), 'lines.0.quantity'],
    ['pieces in a list', aLine({ quantity: [1] }), 'lines.0.quantity'],
    ['no SKU', aLine({ sku: undefined }), 'lines.0.sku'],
    ['a blank SKU', aLine({ sku: '  \t' }), 'lines.0.sku'],
    ['a long SKU', aLine({ sku: text(65) }), 'lines.0.sku'],
    ['a SKU that gets long in capitals', aLine({ sku: 'ß'.repeat(40) }), 'lines.0.sku'],
    ['a SKU with a tab in it', aLine({ sku: 'A\tB' }), 'lines.0.sku'],
    ['a SKU with a space nobody sees', aLine({ sku: 'A\u200bB' }), 'lines.0.sku'],
    ['a SKU that is an object', aLine({ sku: { value: 'A' } }), 'lines.0.sku'],
    ['a SKU that can be made a text', aLine({ sku: { toString: 'A' } }), 'lines.0.sku.toString'],
    ['a long description', aLine({ description: text(201) }), 'lines.0.description'],
    ['no customer', { customer: null }, 'customer'],
    ['a customer that is a list', { customer: [] }, 'customer'],
    ['a customer without id', { customer: {} }, 'customer.id'],
    ['a blank customer id', { customer: { id: ' ' } }, 'customer.id'],
    ['a long customer id', { customer: { id: text(101) } }, 'customer.id'],
    ['an e-mail that is none', { customer: { id: '1', email: 'ada' } }, 'customer.email'],
    ['a long e-mail', { customer: { id: '1', email: `${text(320)}@example.org` } }, 'customer.email'],
    ['a currency in small letters', { currency: 'gbp' }, 'currency'],
    ['a currency nobody has', { currency: 'ZZZ' }, 'currency'],
    ['a currency that is a list', { currency: ['GBP'] }, 'currency'],
    ['no payment token', { paymentToken: '' }, 'paymentToken'],
    ['a customer id nobody can type', { customer: { id: 'a\u0007b' } }, 'customer.id'],
    ['a reference of two lines', { reference: 'a\nb' }, 'reference'],
    ['a long reference', { reference: text(101) }, 'reference'],
    ['a reference that is a number', { reference: 536365 }, 'reference'],
    ['a time without zone', { placedAt: '2010-12-01T08:26:00' }, 'placedAt'],
    ['a date', { placedAt: '2010-12-01' }, 'placedAt'],
    ['a day that is not', { placedAt: '2010-02-30T08:26:00Z' }, 'placedAt'],
    ['a month that is not', { placedAt: '2010-13-01T08:26:00Z' }, 'placedAt'],
    ['an hour that is not', { placedAt: '2010-12-01T24:00:00Z' }, 'placedAt'],
    ['a time before computers', { placedAt: '1815-12-10T00:00:00Z' }, 'placedAt'],
    ['a time in the far future', { placedAt: '9999-12-31T23:59:59Z' }, 'placedAt'],
    ['a time as a number', { placedAt: 1291191960 }, 'placedAt'],
    ['an extended year', { placedAt: '+275760-09-13T00:00:00Z' }, 'placedAt'],
  ])('%s', async (_what, changes, path) => {
    const { status, body } = await api.post('/orders', anOrder(changes));
    expect([status, body.code]).toEqual([400, 'validation-failed']);
    expect(body.errors.map((error: { path: string }) => error.path)).toContain(path);
  });

  it('tells everything that is wrong at once, and at most 50 of it', async () => {
    const lines = Array.from({ length: 40 }, () => ({ sku: '', quantity: 0, unitPrice: -1 }));
    const { body } = await api.post('/orders', anOrder({ lines }));
    expect(body.errors).toHaveLength(50);
  });
});

describe('stock commands that are not valid', () => {
  it.each<[string, object, string]>([
    ['receipts', { quantity: 0 }, 'quantity'],
    ['receipts', { quantity: -5 }, 'quantity'],
    ['receipts', { quantity: 1.5 }, 'quantity'],
    ['receipts', { quantity: 1e12 }, 'quantity'],
    ['receipts', { quantity: '5' }, 'quantity'],
    ['receipts', { quantity: 1, sku: 'B' }, 'sku'],
    ['receipts', { quantity: 1, isPrototypeOf: 1 }, 'isPrototypeOf'],
    ['receipts', { quantity: 1, reference: text(101) }, 'reference'],
    ['receipts', { quantity: 1, receivedAt: 'yesterday' }, 'receivedAt'],
    ['adjustments', { delta: 0, reason: 'x' }, 'delta'],
    ['adjustments', { delta: -0.5, reason: 'x' }, 'delta'],
    ['adjustments', { delta: 1 }, 'reason'],
    ['adjustments', { delta: 1, reason: '\n' }, 'reason'],
    ['adjustments', { delta: 1, reason: text(501) }, 'reason'],
  ])('%s %j', async (resource, body, path) => {
    const answer = await api.post(`/stock/A/${resource}`, body);
    expect([answer.status, answer.body.code]).toEqual([400, 'validation-failed']);
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toContain(path);
  });
});

describe('headers that are not acceptable', () => {
  const key = () => randomUUID();
  it.each<[string, () => Record<string, string>, number, string]>([
    ['no key', () => ({}), 400, 'idempotency-key-missing'],
    ['an empty key', () => ({ 'idempotency-key': ' ' }), 400, 'idempotency-key-missing'],
    ['a long key', () => ({ 'idempotency-key': text(201) }), 400, 'header-invalid'],
    ['a key with blanks', () => ({ 'idempotency-key': 'a b' }), 400, 'header-invalid'],
    ['a key outside ASCII', () => ({ 'idempotency-key': 'schlüssel' }), 400, 'header-invalid'],
    ['a long actor', () => ({ 'idempotency-key': key(), 'x-actor': text(101) }), 400, 'header-invalid'],
    ['an actor outside ASCII', () => ({ 'idempotency-key': key(), 'x-actor': 'zoë' }), 400, 'header-invalid'],
    ['an actor of our own', () => ({ 'idempotency-key': key(), 'x-actor': 'System:orchestrator' }), 400, 'header-invalid'],
    ['a version without quotes', () => ({ 'idempotency-key': key(), 'if-match': '1' }), 400, 'header-invalid'],
    ['another content type', () => ({ 'idempotency-key': key(), 'content-type': 'text/plain' }), 415, 'unsupported-media-type'],
    ['a form', () => ({ 'idempotency-key': key(), 'content-type': 'application/x-www-form-urlencoded' }), 415, 'unsupported-media-type'],
    [
      'another charset',
      () => ({ 'idempotency-key': key(), 'content-type': 'application/json; charset=utf-16' }),
      415,
      'unsupported-media-type',
    ],
    ['a content type that is none', () => ({ 'idempotency-key': key(), 'content-type': 'json' }), 415, 'unsupported-media-type'],
  ])('%s', async (_what, headers, status, code) => {
    const answer = await api.ask('POST', '/stock/A/receipts', { body: '{"quantity":1}', headers: headers() });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  it('a correlation id that is no UUID is replaced, a trace context that is none is dropped', async () => {
    const headers = { 'x-correlation-id': "'; DROP TABLE tidemark.events; --", traceparent: '00-0-0-0' };
    const { status, body, headers: answered } = await api.post('/stock/TRACE/receipts', { quantity: 1 }, headers);
    expect(status).toBe(201);
    expect(answered.get('x-correlation-id')).toMatch(/^[0-9a-f-]{36}$/);
    const { rows } = await api.sql.query('SELECT traceparent FROM tidemark.events WHERE command_id = $1', [body.commandId]);
    expect(rows[0].traceparent).toBeNull();
  });
});

describe('addresses and methods', () => {
  it.each<[string, string, number, string]>([
    ['GET', '/', 404, 'not-found'],
    ['GET', '/orders/', 404, 'not-found'],
    ['GET', '/stock/%00', 400, 'malformed-request'],
    ['GET', '/stock/%C3%28', 400, 'malformed-request'],
    ['GET', '/stock/%20', 400, 'validation-failed'],
    ['GET', '/stock/A%09B', 400, 'validation-failed'],
    ['GET', `/stock/${text(65)}`, 400, 'validation-failed'],
    ['GET', `/stock/${text(5000)}`, 414, 'url-too-long'],
    ['GET', '/orders/..%2f..%2fetc%2fpasswd', 404, 'order.not-found'],
    ['GET', '/orders', 405, 'method-not-allowed'],
    ['DELETE', '/orders', 405, 'method-not-allowed'],
    ['PUT', '/stock/A', 405, 'method-not-allowed'],
    ['GET', '/stock/A/receipts', 405, 'method-not-allowed'],
    ['OPTIONS', '/orders', 405, 'method-not-allowed'],
  ])('%s %s', async (method, path, status, code) => {
    const answer = await api.ask(method, path);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    if (status === 405) expect(answer.headers.get('allow')).not.toBe('');
  });

  it.each([
    ['no HTTP', 'HELLO\r\n\r\n', 400, 'malformed-request'],
    ['an unknown method', 'FLY /orders HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'malformed-request'],
    ['headers of 100 KB', `GET / HTTP/1.1\r\nHost: a\r\nX: ${text(100_000)}\r\n\r\n`, 431, 'header-too-large'],
    ['two lengths', 'POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}', 400, 'malformed-request'],
    [
      'a length and chunks',
      'POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}',
      400,
      'malformed-request',
    ],
  ])('bytes that are %s', async (_what, bytes, status, code) => {
    const answer = await raw(bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ status, code });
  });
});

it('nothing of all this was stored, and the next request is served', async () => {
  expect(await api.count('events', `stream_id <> 'stock-TRACE'`)).toBe(0);
  expect(await api.count('commands')).toBe(1);
  expect((await api.post('/orders', anOrder())).status).toBe(201);
});

function raw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(api.app.url);
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
    socket.setTimeout(5_000, () => socket.destroy(new Error(`no answer, only: ${answer}`)));
  });
}
