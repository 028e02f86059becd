/** Stock over HTTP against PostgreSQL: spelling of SKUs, sums, refusals, and many clients on one SKU. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../../test/harness/index.js';
import { TestApi, type Answer } from '../testing/test-api.js';

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.start(await createTestDatabase());
});
afterAll(() => api.close());

describe('stock', () => {
  it('is received, adjusted and read under one spelling of its SKU', async () => {
    const first = await api.post('/stock/%2085123a/receipts', {
      quantity: 100,
      reference: 'delivery-1',
      receivedAt: '2010-11-30T00:00:00Z',
    });
    expect(first.status).toBe(201);
    expect(first.headers.get('location')).toBe('/stock/85123A');
    expect(first.body).toMatchObject({
      sku: '85123A',
      onHand: 100,
      reserved: 0,
      available: 100,
      version: 1,
      consistencyToken: 'stock-85123A@1',
    });
    const second = await api.post('/stock/85123A/adjustments', { delta: -3, reason: 'Broken.' });
    expect(second.body).toMatchObject({ onHand: 97, version: 2 });
    const read = await api.get('/stock/85123a');
    expect(read.headers.get('etag')).toBe('"2"');
    expect(read.body).toMatchObject({ sku: '85123A', onHand: 97, received: 100, adjusted: -3, shipped: 0, returned: 0, version: 2 });
    expect((await api.get('/stock/85123A', { 'if-none-match': '"2"' })).status).toBe(304);
  });

  it('takes SKUs of any script; the header carries them percent-encoded', async () => {
    const { headers, body } = await api.post(`/stock/${encodeURIComponent('grün/1')}/receipts`, { quantity: 1 });
    expect(body).toMatchObject({ sku: 'GRÜN/1', consistencyToken: 'stock-GRÜN/1@1' });
    expect(headers.get('location')).toBe(`/stock/${encodeURIComponent('GRÜN/1')}`);
    expect(headers.get('consistency-token')).toBe('stock-GR%C3%9CN/1@1');
    expect((await api.get(headers.get('location') ?? '')).body.onHand).toBe(1);
  });

  it('cannot be written off below zero', async () => {
    await api.post('/stock/FEW/receipts', { quantity: 2 });
    const refused = await api.post('/stock/FEW/adjustments', { delta: -3, reason: 'Lost.' });
    expect(refused.body).toMatchObject({ status: 409, code: 'stock.below-zero', onHand: 2 });
    expect((await api.get('/stock/FEW')).body).toMatchObject({ onHand: 2, version: 1 });
  });

  it('of a SKU nobody knows is not found', async () => {
    expect((await api.get('/stock/UNKNOWN')).body).toMatchObject({ status: 404, code: 'stock.not-found' });
  });

  it('moves only at the version the client insists on', async () => {
    await api.post('/stock/MATCH/receipts', { quantity: 1 });
    expect((await api.post('/stock/MATCH/receipts', { quantity: 1 }, { 'if-match': '"2"' })).status).toBe(412);
    expect((await api.post('/stock/MATCH/receipts', { quantity: 1 }, { 'if-match': '"1"' })).body.onHand).toBe(2);
  });
});

describe('many clients on one SKU', () => {
  it('all 200 receive, none fails, and the sum is exact', async () => {
    const answers = await Promise.all(Array.from({ length: 200 }, (_, index) => api.post('/stock/HOT/receipts', { quantity: index + 1 })));
    expect(answers.map(({ status }) => status)).toEqual(Array(200).fill(201));
    expect(new Set(answers.map(({ body }) => body.version)).size).toBe(200);
    expect((await api.get('/stock/HOT')).body).toMatchObject({ onHand: (200 * 201) / 2, version: 200 });
    const { rows } = await api.sql.query(`SELECT version FROM tidemark.events WHERE stream_id = 'stock-HOT' ORDER BY position`);
    expect(rows.map(({ version }) => version)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1));
  });

  it('write off exactly what is there: 100 of 150 succeed', async () => {
    await api.post('/stock/SCARCE/receipts', { quantity: 100 });
    const answers = await Promise.all(
      Array.from({ length: 150 }, () => api.post('/stock/SCARCE/adjustments', { delta: -1, reason: 'Taken.' })),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(100);
    expect(answers.filter(({ body }) => body.code === 'stock.below-zero')).toHaveLength(50);
    expect((await api.get('/stock/SCARCE')).body).toMatchObject({ onHand: 0, version: 101 });
  });

  it('are told to send fewer when 1,000 wait already; all who wait are served, and so is every other SKU', async () => {
    await api.post('/stock/CROWDED/receipts', { quantity: 1 });
    const blocker = await api.sql.connect();
    await blocker.query(`BEGIN; SELECT 1 FROM tidemark.streams WHERE stream_id = 'stock-CROWDED' FOR UPDATE`);
    let answers: Promise<Answer[]>;
    try {
      let refused: () => void;
      const someRefused = new Promise<void>((resolve) => (refused = resolve));
      const receive = async () => {
        const answer = await api.post('/stock/CROWDED/receipts', { quantity: 1 });
        if (answer.status === 429) refused();
        return answer;
      };
      answers = Promise.all(Array.from({ length: 1_010 }, receive));
      await someRefused;
      expect((await api.post('/stock/QUIET/receipts', { quantity: 1 })).status).toBe(201);
    } finally {
      await blocker.query('ROLLBACK');
      blocker.release();
    }
    const refused = (await answers).filter(({ status }) => status !== 201);
    expect(refused.length).toBeGreaterThan(0);
    for (const { status, headers, body } of refused) {
      expect([status, body.code, headers.get('retry-after')]).toEqual([429, 'too-many-requests', '2']);
    }
    expect((await api.get('/stock/CROWDED')).body).toMatchObject({ onHand: 1 + 1_010 - refused.length });
  });

  it('also through two processes of this app, which then meet conflicts', async () => {
    const other = await TestApi.start(api.database);
    try {
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? api : other).post('/stock/SHARED/receipts', { quantity: 1 })),
      );
      expect(answers.map(({ status }) => status)).toEqual(Array(200).fill(201));
      expect((await api.get('/stock/SHARED')).body).toMatchObject({ onHand: 200, version: 200 });
      expect((await other.get('/stock/SHARED')).body).toMatchObject({ onHand: 200, version: 200 });
      // A refusal is decided on what the other process just wrote, not on what this one remembers.
      await api.post('/stock/SHARED/adjustments', { delta: -200, reason: 'All.' });
      expect((await other.post('/stock/SHARED/adjustments', { delta: -1, reason: 'One more.' })).status).toBe(409);
      await api.post('/stock/SHARED/receipts', { quantity: 1 });
      expect((await other.post('/stock/SHARED/adjustments', { delta: -1, reason: 'Now there is one.' })).status).toBe(201);
    } finally {
      await other.close({ keepDatabase: true });
    }
  });
});
