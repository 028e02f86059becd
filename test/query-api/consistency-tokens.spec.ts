/** Proves: whatever SKU a command may name, the token in its answer, header or body, is understood by the query API. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_SKU_LENGTH, normalizeSku, streamId } from '#domain';
import { consistencyToken, headerToken } from '../../apps/command-api/commands/command-answer.js';
import { parseConsistencyToken, parseHeaderToken } from '../../apps/query-api/reading/consistency-token.js';
import { QueryApiFixture } from './query-api-fixture.js';
import { received } from './sample-events.js';

const isSku = (text: string): boolean => {
  try {
    return normalizeSku(text) === text;
  } catch {
    return false;
  }
};
const SKUS = ['85123A', 'CAFÉ', '漢'.repeat(MAX_SKU_LENGTH), '🎁'.repeat(MAX_SKU_LENGTH / 2), '100%', '%C3%89', 'A@1', 'A B, C/D'];

describe('a token from the command API', () => {
  it('is read by the query API, for any SKU and version', () => {
    const sku = fc
      .oneof(
        fc.constantFrom(...SKUS),
        fc.string({ unit: 'binary', maxLength: MAX_SKU_LENGTH }),
        fc.stringMatching(/^[%@A-F0-9É漢 ]{1,64}$/),
      )
      .filter(isSku);
    fc.assert(
      fc.property(sku, fc.integer({ min: 1, max: 999_999_999 }), (key, version) => {
        const token = { streamId: streamId('stock', key), version };
        const header = headerToken(token.streamId, version);
        expect(header).toMatch(/^[\x20-\x7e]+$/);
        expect(parseHeaderToken(header)).toEqual(token);
        expect(parseConsistencyToken(consistencyToken(token.streamId, version))).toEqual(token);
      }),
      { seed: 20101201, numRuns: 500 },
    );
  });
});

describe('over HTTP', () => {
  let house: QueryApiFixture;
  beforeAll(async () => {
    house = await QueryApiFixture.start();
    for (const sku of SKUS) await house.append(streamId('stock', sku), [received(sku, 1)]);
    await house.project();
  });
  afterAll(() => house?.stop());

  it.each(SKUS)('the token of %j is met by what is applied', async (sku) => {
    const stream = streamId('stock', sku);
    const path = `/stock/${encodeURIComponent(sku)}`;
    for (const version of [1, 2]) {
      const wait = `${path}?waitMs=0`;
      const byHeader = await house.get(wait, { 'consistency-token': headerToken(stream, version) });
      const byQuery = await house.get(`${wait}&consistentWith=${encodeURIComponent(consistencyToken(stream, version))}`);
      for (const { status, body } of [byHeader, byQuery]) {
        if (version === 1) expect([status, body['sku']]).toEqual([200, sku]);
        else expect(body).toMatchObject({ code: 'projection-behind', stream, wantedVersion: 2, currentVersion: 1 });
      }
    }
  });

  it.each(['stock-%@1', 'stock-%zz@1', 'stock-%C3@1', 'stock-%00@1', `stock-${'%E6%BC%A2'.repeat(301)}@1`, 'stock-CAF\u00c9@1'])(
    'the header %j is refused',
    async (token) => {
      const { status, body } = await house.get('/stock', { 'consistency-token': token });
      expect([status, body['code']]).toEqual([400, 'invalid-consistency-token']);
    },
  );
});
