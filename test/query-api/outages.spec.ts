/** Proves: when the database is slow or its connections die, clients are told to come back, and all is well again by itself. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../harness/index.js';
import { QueryApiFixture } from './query-api-fixture.js';
import { placed } from './sample-events.js';

let house: QueryApiFixture;

beforeAll(async () => {
  house = await QueryApiFixture.start({ QUERY_TIMEOUT_MS: '300' });
  await house.append('order-o-1', [placed('o-1')]);
  await house.project();
});
afterAll(() => house?.stop());

const READS = ['/orders', '/orders/o-1', '/overview', '/overview?from=2010-12-01', '/audit/streams/order-o-1/events'];

describe('a query that takes too long', () => {
  it('is ended, and answered with when to come back', async () => {
    const blocker = await house.pool.connect();
    await blocker.query('BEGIN; LOCK TABLE read.orders IN ACCESS EXCLUSIVE MODE');
    try {
      for (const path of ['/orders', '/orders/o-1', '/overview?from=2010-12-01', '/refusals']) {
        const { status, headers, body } = await house.get(path);
        expect([path, status, headers.get('retry-after'), body['code']]).toEqual([path, 503, '5', 'query-timeout']);
      }
    } finally {
      await blocker.query('ROLLBACK');
      blocker.release();
    }
    expect((await house.get('/orders')).status).toBe(200);
  });
});

describe('connections that are cut', () => {
  it('cost a 503 at most, and are replaced', async () => {
    const cut = () =>
      house.pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tidemark-query-api' AND datname = current_database()`,
      );
    const done = new AbortController();
    const outcomes = new Set<string>();
    const ask = async (offset: number) => {
      for (let turn = offset; !done.signal.aborted; turn += 1) {
        const { status, body } = await house.get(READS[turn % READS.length]!);
        outcomes.add(status === 200 ? '200' : `${status} ${String(body['code'])}`);
      }
    };
    const clients = [0, 1, 2, 3].map(ask);
    for (let turn = 0; turn < 150; turn += 1) await cut();
    done.abort();
    await Promise.all(clients);
    expect([...outcomes].filter((outcome) => !['200', '503 unavailable'].includes(outcome))).toEqual([]);
    await waitFor(async () => (await Promise.all(READS.map((path) => house.get(path)))).every(({ status }) => status === 200));
    expect((await house.get('/health/ready')).status).toBe(200);
  });
});
