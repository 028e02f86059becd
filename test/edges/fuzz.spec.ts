// A few seconds of `npm run fuzz`: nothing malformed is answered 500, hangs, or is refused by anything but a documented problem.
import { createLogger } from '#platform';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { TestApi } from '../../apps/command-api/testing/test-api.js';
import { startQueryApi } from '../../apps/query-api/query-api.js';
import { loadQueryApiConfig } from '../../apps/query-api/query-api.config.js';
import { apiSurface } from '../../dev/fuzz/api-surface.js';
import { fuzz } from '../../dev/fuzz/fuzz-run.js';
import { readReport } from '../../dev/fuzz/schemathesis.js';
import { createTestDatabase, type TestDatabase } from '../harness/index.js';

let commands: TestApi;
let queries: Awaited<ReturnType<typeof startQueryApi>>;
beforeAll(async () => {
  const database: TestDatabase = await createTestDatabase();
  commands = await TestApi.start(database);
  const config = loadQueryApiConfig({ PORT: '0', DATABASE_URL: database.url });
  queries = await startQueryApi(config, createLogger({ app: 'query-api', level: 'silent' }), { handleSignals: false });
});
afterAll(async () => {
  await queries.close();
  await commands.close();
});

it('1 500 malformed requests', async () => {
  const surfaces = [await apiSurface('command-api', commands.app.url), await apiSurface('query-api', queries.url)];
  const report = await fuzz({ surfaces, requests: 1_500, seed: 20_261_121, attackers: 12 });
  expect(report.faults).toEqual([]);
  expect(report.requests).toBeGreaterThanOrEqual(1_500);
  expect(Object.keys(report.byCode).length).toBeGreaterThan(12);
}, 60_000);

it("Schemathesis's report is read to the last failure", () => {
  const text = [
    '_________ POST /orders _________',
    '- ST202 Schema-valid request rejected',
    '_____ GET /orders/{orderId} ____',
    'Runtime Error',
    'Test cases:',
    '  1,364 generated, 3 found 3 unique failures',
  ].join('\n');
  expect(readReport(text, 'report')).toEqual({
    cases: 1_364,
    failures: ['POST /orders: ST202 Schema-valid request rejected', 'GET /orders/{orderId}: Runtime Error'],
  });
  expect(readReport('it broke', 'there').failures).toEqual(['made no cases: see there']);
});
