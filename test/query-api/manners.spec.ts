/** Proves: hostile questions get a problem and never a 500, tokens are waited for, answers tell their age, and tags save bytes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../harness/index.js';
import { QueryApiFixture } from './query-api-fixture.js';
import { confirmed, placed, received } from './sample-events.js';

let house: QueryApiFixture;

beforeAll(async () => {
  house = await QueryApiFixture.start();
  await house.append('stock-71053', [received('71053', 100)]);
  for (const id of ['o-1', 'o-2', 'o-3']) await house.append(`order-${id}`, [placed(id)]);
  await house.project();
});
afterAll(() => house?.stop());

const LISTS = ['/orders', '/stock', '/customers', '/products', '/fulfilments'];
const READS = [
  ...LISTS,
  '/orders/o-1',
  '/stock/71053',
  '/customers/17850',
  '/products/71053',
  '/overview',
  '/refusals',
  '/audit/streams/order-o-1/events',
  '/audit/streams/order-o-1/state',
  '/audit/streams/order-o-1/diff',
];
const genuineCursor = async (path: string) => (await house.get<{ nextCursor: string }>(path)).body.nextCursor;

describe('parameters', () => {
  const onAll = (reads: readonly string[], queries: readonly string[]) =>
    reads.flatMap((read) => queries.map((query) => `${read}?${query}`));

  it.each([
    ...onAll(READS, [
      'nonsense=1',
      'consistentWith=',
      'consistentWith=order-1',
      'consistentWith=order-1@0',
      'consistentWith=order-1@1&consistentWith=order-1@2',
      'waitMs=-1',
      'waitMs=10001',
      'waitMs=1e3',
      'waitMs=soon',
      'waitMs=',
      'consistentWith=order-%00@1',
      '__proto__=1',
      'constructor=1',
      'toString=1',
    ]),
    ...onAll(LISTS, [
      'limit=0',
      'limit=201',
      'limit=-1',
      'limit=ten',
      'limit=',
      'limit=1.5',
      'limit=0x10',
      'limit=5&limit=6',
      'limit=99999999999999999999',
      'limit[]=5',
      'cursor=',
      'cursor=next',
      'cursor=%00',
      'cursor=W10',
      'cursor=bnVsbA',
      `cursor=${'A'.repeat(2000)}`,
      'cursor=..%2F..',
      'cursor=a&cursor=b',
    ]),
    ...onAll(
      ['/orders'],
      [
        'status=',
        'status=shipped',
        'status=placed,confirmed',
        'status=placed&status=confirmed',
        'customerId=',
        `customerId=${'x'.repeat(201)}`,
        'customerId=%00',
        'customerId=a%07b',
        'sku=',
        'sku=%20',
        'sku=%00',
        `sku=${'x'.repeat(300)}`,
        'placedFrom=yesterday',
        'placedFrom=2010-02-30',
        'placedFrom=2010-12-01T08:00',
        'placedFrom=',
        'placedTo=2010-13-01',
        'placedFrom=2010-12-02&placedTo=2010-12-01',
        'placedFrom=2010-12-01&placedFrom=2010-12-02',
        "placedFrom=2010-12-01'--",
      ],
    ),
    ...onAll(['/stock'], ['lowBelow=few', 'lowBelow=1e9', 'lowBelow=99999999999', 'low=perhaps', 'low=']),
    ...onAll(['/customers'], ['sort=name', 'sort=', 'currency=gbp', 'currency=POUND', 'guest=1', 'country=']),
    ...onAll(['/products'], ['sort=price', 'currency=']),
    ...onAll(['/fulfilments'], ['status=stuck']),
    ...onAll(['/overview', '/refusals'], ['from=today', 'from=2011-01-02&to=2011-01-01', 'to=']),
    ...onAll(
      ['/audit/streams/order-o-1/events'],
      ['fromVersion=0', 'fromVersion=-1', 'fromVersion=2147483648', 'toVersion=x', 'until=later', 'limit=201'],
    ),
    ...onAll(['/audit/streams/order-o-1/state'], ['version=-1', 'version=1.0', 'at=now', 'version=1&at=2010-12-01']),
    ...onAll(['/audit/streams/order-o-1/diff'], ['from=-1', 'to=x', 'from=1&from=2']),
    '/audit/commands/1',
    '/audit/commands/%00',
    '/audit/correlations/x',
    '/orders/%00',
    '/orders/%E0%A4%A',
    '/stock/%20',
    '/audit/streams/order-%00/events',
  ])('of %s are refused with 400', async (path) => {
    const { status, headers, body } = await house.get(path);
    expect([status, headers.get('content-type')]).toEqual([400, 'application/problem+json; charset=utf-8']);
    expect(body).toMatchObject({
      status: 400,
      code: expect.any(String),
      title: expect.any(String),
      detail: expect.any(String),
      traceId: expect.any(String),
    });
  });

  it.each([
    '/orders/nothing',
    '/stock/NOTHING',
    '/customers/nobody',
    '/products/NOTHING',
    '/fulfilments/o-1',
    '/nothing',
    '/orders/o-1/more',
    '/audit/streams/order-x/events',
    '/audit/streams/cart-1/events',
    '/audit/streams/order/events',
    '/audit/streams/order-x/state',
    '/audit/streams/order-x/diff',
    '/audit/streams/order-o-1/state?version=9',
    '/audit/streams/order-o-1/diff?from=0&to=9',
    '/audit/commands/0190a5e2-7b1c-7000-8000-000000000000',
    '/audit/correlations/0190a5e2-7b1c-7000-8000-000000000000',
    "/orders/'%20OR%20true%20--",
    '/orders/..%2F..%2Fetc',
  ])('%s is not found', async (path) => {
    const { status, body } = await house.get(path);
    expect(status).toBe(404);
    expect(body).toMatchObject({ status: 404, type: expect.stringMatching(/^urn:tidemark:problem:/) });
  });

  it('of one list do not continue another, nor the same with other filters', async () => {
    const cursor = await genuineCursor('/orders?limit=1');
    expect((await house.get(`/orders?limit=2&cursor=${cursor}`)).status).toBe(200);
    for (const path of [
      `/orders?status=placed&cursor=${cursor}`,
      `/fulfilments?cursor=${cursor}`,
      `/stock?cursor=${cursor}`,
      `/orders?cursor=${cursor.slice(0, -4)}`,
    ]) {
      expect((await house.get(path)).body).toMatchObject({ status: 400, code: 'invalid-cursor' });
    }
  });
});

describe('methods', () => {
  it.each(READS)('of %s are GET and HEAD, anything else is 405 with Allow', async (path) => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const { status, headers } = await house.get(path, {}, method);
      expect([method, status, headers.get('allow')]).toEqual([method, 405, 'GET, HEAD']);
    }
    const get = await house.get(path);
    const head = await house.get<string>(path, {}, 'HEAD');
    expect([get.status, head.status, head.body]).toEqual([200, 200, '']);
    for (const name of ['etag', 'content-type', 'cache-control', 'content-length'])
      expect(head.headers.get(name)).toBe(get.headers.get(name));
  });
});

describe('tags', () => {
  it.each(READS)('of %s give 304 until something changes', async (path) => {
    const first = await house.get(path);
    const tag = first.headers.get('etag')!;
    expect(tag).toMatch(/^W\/"[\w-]+"$/);
    for (const known of [tag, tag.slice(2), `"other", ${tag}`, '*']) {
      const again = await house.get<string>(path, { 'if-none-match': known });
      expect([known, again.status, again.body, again.headers.get('etag')]).toEqual([known, 304, '', tag]);
    }
    expect((await house.get(path, { 'if-none-match': '"other"' })).status).toBe(200);
  });

  it('change with the answer', async () => {
    await house.append('order-o-2', [confirmed('o-2')]);
    const before = (await house.get('/orders/o-2')).headers.get('etag')!;
    await house.project();
    const { status, headers } = await house.get('/orders/o-2', { 'if-none-match': before });
    expect(status).toBe(200);
    expect(headers.get('etag')).not.toBe(before);
  });
});

describe('consistency', () => {
  it('is met at once by what is applied', async () => {
    expect((await house.get('/orders/o-1?consistentWith=order-o-1@1&waitMs=0')).status).toBe(200);
    expect((await house.get('/orders/o-1', { 'consistency-token': 'order-o-1@1' })).status).toBe(200);
  });

  it('waits for what is not', async () => {
    await house.append('order-o-4', [placed('o-4')]);
    const answer = house.get('/orders/o-4?consistentWith=order-o-4@1&waitMs=9000');
    const overview = house.get<{ placed: { orders: number } }>('/overview', { 'consistency-token': 'order-o-4@1' });
    await house.get('/orders/o-1');
    await house.project();
    expect((await answer).status).toBe(200);
    expect((await overview).body.placed.orders).toBe(4);
  });

  it('says how far it is when the wait is over', async () => {
    const { status, headers, body } = await house.get('/orders/o-1?consistentWith=order-o-1@7&waitMs=50');
    expect([status, headers.get('retry-after')]).toEqual([503, '1']);
    expect(body).toMatchObject({
      code: 'projection-behind',
      projection: 'orders',
      stream: 'order-o-1',
      wantedVersion: 7,
      currentVersion: 1,
    });
    expect((await house.get('/orders?waitMs=0', { 'consistency-token': 'order-nowhere@1' })).body).toMatchObject({
      code: 'projection-behind',
      currentVersion: 0,
    });
  });

  it('is asked of the event store itself by the audit', async () => {
    expect((await house.get('/audit/streams/order-o-1/events?consistentWith=order-o-1@1&waitMs=0')).status).toBe(200);
    expect((await house.get('/audit/streams/order-o-1/events?consistentWith=order-o-1@9&waitMs=0')).body).toMatchObject({
      projection: 'event-store',
      currentVersion: 1,
    });
  });

  it('is not held up by a stream that has no part in the answer', async () => {
    expect((await house.get('/stock/71053?consistentWith=order-o-1@99&waitMs=0')).status).toBe(200);
  });

  it.each(['', 'x', 'order-1', 'order-1@0', 'cart-1@1'])('refuses the header %j', async (token) => {
    const { status, body } = await house.get('/orders', { 'consistency-token': token });
    expect([status, body['code']]).toEqual([400, 'invalid-consistency-token']);
  });
});

describe('freshness', () => {
  it('is on every answer, and 0 when everything is applied', async () => {
    await house.project();
    await waitFor(async () => (await house.get('/overview')).headers.get('projection-lag-ms') === '0');
    for (const path of READS) {
      const { headers } = await house.get(path);
      expect(Number(headers.get('projection-lag-ms'))).toBe(0);
      if (!path.startsWith('/audit')) expect(Date.parse(headers.get('projection-as-of')!)).toBeGreaterThan(Date.now() - 60_000);
    }
  });

  it('grows while an event waits, and only where it matters', async () => {
    await house.append('order-o-5', [placed('o-5')]);
    const lag = async (path: string) => Number((await house.get(path)).headers.get('projection-lag-ms'));
    const first = await waitFor(async () => (await lag('/orders')) || undefined);
    await waitFor(async () => (await lag('/orders')) > first);
    expect(await lag('/stock')).toBe(0);
    await house.project();
    await waitFor(async () => (await lag('/orders')) === 0);
  });
});

describe('operations', () => {
  it('is ready and tells the lag of each projection', async () => {
    const { status, body } = await house.get<{ details: { projections: Record<string, { lagMs: number }> } }>('/health/ready');
    expect(status).toBe(200);
    expect(body.details).toMatchObject({
      database: { status: 'up' },
      migrations: { status: 'up' },
      projections: { status: 'up', orders: { lagMs: expect.any(Number) } },
    });
  });

  it('is not ready when a table is missing, and names it', async () => {
    await house.pool.query('ALTER TABLE read.fulfilments RENAME TO away');
    try {
      const { status, body } = await house.get('/health/ready');
      expect(status).toBe(503);
      expect(JSON.stringify(body)).toContain('read.fulfilments');
      expect((await house.get('/fulfilments')).body).toMatchObject({ status: 500, code: 'internal-error' });
    } finally {
      await house.pool.query('ALTER TABLE read.away RENAME TO fulfilments');
    }
  });

  it('documents every read with all its parameters and answers', async () => {
    type Operation = { parameters: { name: string; in: string; required?: boolean }[]; responses: Record<string, unknown> };
    const { body } = await house.get<{ openapi: string; paths: Record<string, { get: Operation }> }>('/openapi.json');
    expect(body.openapi).toBe('3.1.0');
    const reads = Object.entries(body.paths).filter(([path]) => !/^\/(health|metrics|docs)/.test(path));
    expect(reads.map(([path]) => path).sort()).toEqual([
      '/audit/commands/{commandId}',
      '/audit/correlations/{correlationId}',
      '/audit/streams/{streamId}/diff',
      '/audit/streams/{streamId}/events',
      '/audit/streams/{streamId}/state',
      '/customers',
      '/customers/{customerId}',
      '/fulfilments',
      '/fulfilments/{orderId}',
      '/orders',
      '/orders/{orderId}',
      '/orders/{orderId}/live',
      '/overview',
      '/products',
      '/products/{sku}',
      '/refusals',
      '/stock',
      '/stock/{sku}',
    ]);
    for (const [path, { get }] of reads) {
      const names = get.parameters.map(({ name }) => name);
      const headers = get.parameters.filter((parameter) => parameter.in === 'header');
      expect(
        headers.filter(({ required }) => required),
        path,
      ).toEqual([]);
      expect(new Set(headers.map(({ name }) => name.toLowerCase())).size, path).toBe(headers.length);
      expect(names, path).toEqual(expect.arrayContaining(['consistentWith', 'waitMs', 'Consistency-Token']));
      if (!path.endsWith('/live')) expect([names.includes('If-None-Match'), '304' in get.responses], path).toEqual([true, true]);
      for (const [, inPath] of path.matchAll(/\{(\w+)\}/g)) expect(names, path).toContain(inPath);
      expect(Object.keys(get.responses), path).toEqual(expect.arrayContaining(['200', '400', '503']));
    }
    expect(JSON.stringify(body)).not.toContain('#/$defs');
  });
});
