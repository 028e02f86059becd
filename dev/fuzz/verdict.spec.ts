/** Proves that the fuzzer sees what is accepted and must not be, and takes nothing for invalid that an API may accept. */
import { describe, expect, it } from 'vitest';
import type { ApiSurface } from './api-surface.js';
import { nextAttack } from './attacks.js';
import { Dice } from './dice.js';
import { framed, headOf, type HostileRequest } from './http-request.js';
import { headTooLong, staysWhole, surelyInvalid } from './surely-invalid.js';
import { faultOf } from './verdict.js';

const SURFACE: ApiSurface = {
  name: 'command-api',
  url: 'http://127.0.0.1:1',
  paths: [
    { template: '/orders', methods: ['POST'], query: [] },
    { template: '/orders/{orderId}', methods: ['GET'], query: [] },
  ],
  codes: new Set(['validation-failed']),
};

const ORDER = {
  customer: { id: '17850', name: null, email: 'a@example.org' },
  currency: 'GBP',
  lines: [{ sku: 'A', quantity: 1, unitPrice: 255, description: 'x'.repeat(200) }],
  paymentToken: 'tok_ok',
  placedAt: '2010-12-01T08:26:00Z',
};

function post(body: string | Buffer | undefined, headers: Record<string, string> = {}): HostileRequest {
  const all = { host: 'x', 'idempotency-key': 'k', 'content-type': 'application/json', ...headers };
  return { method: 'POST', target: '/orders', headers: Object.entries(all), body: typeof body === 'string' ? Buffer.from(body) : body };
}

const without = (name: string): HostileRequest => {
  const request = post('{}');
  return { ...request, headers: request.headers.filter(([each]) => each !== name) };
};

describe('the verdict', () => {
  it('cannot see the code of an answer to a HEAD, and lets it say when to come back', () => {
    const busy = (headers: Record<string, string>) => ({
      status: 503,
      headers: { 'content-type': 'application/problem+json', ...headers },
      body: Buffer.alloc(0),
    });
    expect(faultOf(busy({ 'retry-after': '1' }), SURFACE, true)).toBeUndefined();
    expect(faultOf(busy({}), SURFACE, true)).toBe('503 to a HEAD');
  });

  const answer = (status: number) => ({ status, headers: {}, body: Buffer.from('{}') });

  it('of something accepted', () => {
    expect(faultOf(answer(201), SURFACE, false)).toBeUndefined();
    expect(faultOf(answer(201), SURFACE, false, 'malformed JSON')).toBe('accepted what is surely invalid: malformed JSON');
    expect(faultOf(answer(200), SURFACE, true, 'a head of more than 16 KiB')).toContain('accepted');
    expect(faultOf(answer(304), SURFACE, false, 'malformed JSON')).toBeUndefined();
  });

  it('of a refusal is what it was, whatever was refused', () => {
    const refusal = { type: 'about:blank', title: 'x', detail: 'x', code: 'validation-failed', traceId: 'x', status: 400 };
    const told = { status: 400, headers: { 'content-type': 'application/problem+json' }, body: Buffer.from(JSON.stringify(refusal)) };
    expect(faultOf(told, SURFACE, false, 'malformed JSON')).toBeUndefined();
    expect(faultOf({ ...told, headers: {} }, SURFACE, false, 'malformed JSON')).toContain('no problem document');
  });
});

describe('an API that is not ready', () => {
  const answer = {
    status: 503,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: Buffer.from('{"status":"error","error":{},"details":{}}'),
  };

  it('says so as health checks do', () => {
    expect(faultOf(answer, SURFACE, false)).toBeUndefined();
    expect(faultOf({ ...answer, body: Buffer.alloc(0) }, SURFACE, true)).toBeUndefined();
  });

  it('refuses all else with a problem', () => {
    expect(faultOf({ ...answer, body: Buffer.from('{"status":"error"}') }, SURFACE, false)).toContain('no problem document');
    expect(faultOf({ ...answer, status: 500 }, SURFACE, false)).toContain('no problem document');
  });
});

describe('surely invalid', () => {
  it.each<[string, HostileRequest]>([
    ['no Idempotency-Key', without('idempotency-key')],
    ['an overlong Idempotency-Key', post('{}', { 'idempotency-key': 'k'.repeat(201) })],
    ['an invalid Idempotency-Key', post('{}', { 'idempotency-key': 'a b' })],
    ['an invalid Idempotency-Key', post('{}', { 'idempotency-key': '\u00e9' })],
    ['an invalid Idempotency-Key', post('{}', { 'idempotency-key': ' ' })],
    ['an invalid X-Actor', post('{}', { 'x-actor': 'SYSTEM:x' })],
    ['a body without a content type', without('content-type')],
    ['a content type other than JSON', post('{}', { 'content-type': 'text/plain' })],
    ['a content type other than JSON', post('{}', { 'content-type': 'application/problem+json' })],
    ['a charset other than UTF-8', post('{}', { 'content-type': 'application/json; charset=utf-16' })],
    ['a body of more than 1 MiB', post(Buffer.alloc(1024 * 1024 + 1, ' '))],
    ['malformed JSON', post('{"quantity":')],
    ['malformed JSON', post(Buffer.from([0x22, 0xc3, 0x28, 0x22]))],
    ['a body that is no object', post('[]')],
    ['a field that no command has', post('{"quantity":1,"__proto__":{}}')],
    ['a number beyond bounds', post('{"quantity":1E400}')],
    ['a number beyond bounds', post('{"lines":[{"unitPrice":0.5}]}')],
    ['a truth value, which no field takes', post('{"reason":true}')],
    ['an overlong text', post(JSON.stringify({ reason: 'x'.repeat(501) }))],
    ['a text that cannot be stored', post('{"reason":"\\ud83d"}')],
    ['a body nested too deep', post(`{"lines":${'['.repeat(50_000)}${']'.repeat(50_000)}}`)],
  ])('%s', (why, request) => {
    expect(surelyInvalid(request)).toBe(why);
  });

  it.each<[string, HostileRequest]>([
    ['an order', post(JSON.stringify(ORDER))],
    [
      'one behind a byte order mark, as UTF-8 in quotes',
      post(`\ufeff${JSON.stringify(ORDER)}`, { 'content-type': 'APPLICATION/JSON; charset="utf-8"' }),
    ],
    ['a receipt', post('{"quantity":1e3,"reference":null}')],
    ['an adjustment', post('{"delta":-1000000000,"reason":"x"}')],
    ['a command without a body', post(undefined)],
    ['keys of which the server makes one', { ...post('{}'), headers: [...post('{}').headers, ['idempotency-key', '']] }],
    ['two content types', { ...post('{}'), headers: [...post('{}').headers, ['content-type', 'x']] }],
    ['a read with a body', { ...post('['), method: 'GET' }],
    ['a method that is none', { ...post('['), method: 'FOO' }],
  ])('not %s', (_what, request) => {
    expect(surelyInvalid(request)).toBeUndefined();
  });

  it('only what arrives as it was sent', () => {
    expect(staysWhole(post('{}'))).toBe(true);
    expect(staysWhole(post('{}', { 'x-actor': 'a\r\nX-Evil: 1' }))).toBe(false);
  });

  it('a head that is too long', () => {
    const many = (count: number) =>
      headOf(
        post(undefined),
        Array.from({ length: count }, (_, n) => `x-${n}: ${n}`),
      );
    expect(headTooLong(many(2_000))).toBeDefined();
    expect(headTooLong(many(1_500))).toBeUndefined();
    expect(headTooLong(headOf(post(undefined), [`x: ${'x'.repeat(16_500)}`]))).toBeDefined();
    expect(headTooLong(framed(post('x'.repeat(100_000))))).toBeUndefined();
  });
});

it('of the attacks many must be refused, and each says it of its own requests', () => {
  const dice = new Dice(7);
  const attacks = Array.from({ length: 1_500 }, () => nextAttack(dice, SURFACE, []));
  const certain = attacks.filter(({ mustRefuse }) => mustRefuse.some((why) => why !== undefined));
  expect(new Set(certain.map(({ kind }) => kind))).toEqual(
    new Set(['content', 'pipelined', 'chunked', 'chunked lies', 'length lies', 'overlong', 'no http', 'slow']),
  );
  expect(certain.length).toBeGreaterThan(250);
  expect(attacks.every(({ mustRefuse, requests }) => mustRefuse.length <= requests)).toBe(true);
});
