/**
 * The OpenAPI document: every route, every status, nullable as 3.1 wants it, references that resolve. That no answer of the other specs
 * contradicts it is checked whenever a TestApi closes (testing/documented.ts); that this check can fail is checked here.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../test/harness/index.js';
import { PROBLEMS } from './problems.js';
import { undocumented, type OpenApi } from './testing/documented.js';
import { anOrder } from './testing/order-body.js';
import { TestApi } from './testing/test-api.js';

let api: TestApi;
let document: any;
beforeAll(async () => {
  api = await TestApi.start(await createTestDatabase());
  document = (await api.get('/openapi.json')).body;
});
afterAll(async () => {
  api.answers.length = 0;
  await api.close();
});

const COMMANDS = ['/orders', '/orders/{orderId}/cancel', '/stock/{sku}/receipts', '/stock/{sku}/adjustments'];

describe('the OpenAPI document', () => {
  it('is 3.1 and knows exactly the routes there are', () => {
    expect(document.openapi).toBe('3.1.0');
    const operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item as object).map((method) => `${method} ${path}`),
    );
    expect(operations.sort()).toEqual(
      [
        ...COMMANDS.map((path) => `post ${path}`),
        ...['/orders/{orderId}', '/stock/{sku}', '/health/live', '/health/ready', '/metrics'].map((path) => `get ${path}`),
      ].sort(),
    );
  });

  it.each(COMMANDS)('names every status and every header of %s', (path) => {
    const { responses, parameters } = document.paths[path].post;
    const statuses = Object.keys(responses);
    expect(statuses).toEqual(expect.arrayContaining(['400', '409', '413', '414', '415', '422', '429', '431', '500', '503']));
    expect(statuses.includes('412')).toBe(path !== '/orders');
    const success = responses[path.endsWith('cancel') ? 200 : 201];
    expect(Object.keys(success.headers)).toEqual(
      expect.arrayContaining(['ETag', 'Consistency-Token', 'X-Correlation-Id', 'Idempotency-Replayed']),
    );
    for (const status of [429, 503]) expect(responses[status].headers['Retry-After']).toBeDefined();
    const required = Object.fromEntries(
      parameters.map((each: { name: string; required?: boolean }) => [each.name, each.required ?? false]),
    );
    expect(required).toMatchObject({ 'Idempotency-Key': true, 'X-Actor': false, 'X-Correlation-Id': false, traceparent: false });
    expect('If-Match' in required).toBe(path !== '/orders');
  });

  it('says nullable in the way of 3.1', () => {
    const { reference, placedAt, lines } = document.components.schemas.PlaceOrderRequest.properties;
    expect(reference.type).toEqual(['string', 'null']);
    expect(placedAt.type).toEqual(['string', 'null']);
    expect(lines).toMatchObject({ type: 'array', minItems: 1, maxItems: 5000 });
    expect(JSON.stringify(document)).not.toContain('"nullable"');
  });

  it('says which fields are required', () => {
    const { PlaceOrderRequest, OrderLineRequest } = document.components.schemas;
    expect(PlaceOrderRequest.required.sort()).toEqual(['currency', 'customer', 'lines', 'paymentToken']);
    expect(OrderLineRequest.required.sort()).toEqual(['quantity', 'sku', 'unitPrice']);
    expect(OrderLineRequest.properties.unitPrice).toMatchObject({ type: 'integer', minimum: 0 });
  });

  it('has no reference to something that is not there', () => {
    const names = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name as string);
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !(name in document.components.schemas))).toEqual([]);
  });

  it('names every problem code of this API', () => {
    const text = JSON.stringify(document);
    expect(Object.keys(PROBLEMS).filter((code) => !text.includes(`urn:tidemark:problem:${code}"`))).toEqual([]);
  });

  it('has a page to try it out', async () => {
    const page = await api.get('/docs');
    expect(page.status).toBe(200);
    expect(page.text).toContain('swagger-ui');
    expect((await api.get('/docs/swagger-ui-bundle.js')).status).toBe(200);
  });
});

describe('the check that answers are documented', () => {
  it('finds an unknown status, header, field and problem code', async () => {
    const placed = await api.post('/orders', anOrder());
    const refused = await api.post('/orders', {});
    expect(undocumented(document, placed)).toEqual([]);
    expect(undocumented(document, refused)).toEqual([]);
    const broken: OpenApi = structuredClone(document);
    const { responses } = (broken.paths as any)['/orders'].post;
    delete responses[201].headers.ETag;
    delete (broken.components.schemas['OrderPlacedAnswer'] as any).properties.total;
    delete responses[400].content['application/problem+json'].examples['validation-failed'];
    expect(undocumented(broken, placed)).toEqual([expect.stringContaining('header etag'), expect.stringContaining('field total')]);
    expect(undocumented(broken, refused)).toEqual([expect.stringContaining('code validation-failed')]);
    delete responses[201];
    expect(undocumented(broken, placed)).toEqual([expect.stringContaining('no such status')]);
  });
});
