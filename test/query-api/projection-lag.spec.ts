/** Proves: freshness is measured against the store itself, from the first sample on, also when positions are committed out of order. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ProjectionLag } from '../../apps/query-api/reading/projection-lag.js';
import { QueryApiFixture } from './query-api-fixture.js';
import { confirmed, placed, received } from './sample-events.js';

let house: QueryApiFixture;
let lag: ProjectionLag;

beforeAll(async () => {
  house = await QueryApiFixture.start();
});
beforeEach(async () => {
  await house.project();
  lag = new ProjectionLag({ pool: house.pool, maxAgeMs: 0 });
});
afterAll(() => house?.stop());

/** As if all events so far had been recorded long ago, so that the floor moves past them. */
const age = () => house.pool.query(`UPDATE tidemark.events SET recorded_at = recorded_at - interval '1 minute'`);

describe('the lag of a projection', () => {
  it('is 0 in an empty store, and when everything is applied', async () => {
    expect(await lag.of('orders')).toMatchObject({ lagMs: 0 });
    await house.append('order-l-1', [placed('l-1')]);
    await house.project();
    expect(await lag.of('orders')).toMatchObject({ lagMs: 0 });
    await age();
    expect(await lag.of('orders')).toMatchObject({ lagMs: 0 });
    expect(await lag.of('orders')).toMatchObject({ lagMs: 0 });
  });

  it('is the age of the oldest event that is not, at the first sample and at later ones', async () => {
    const known = new ProjectionLag({ pool: house.pool, maxAgeMs: 0 });
    await known.of('orders');
    await house.append('order-l-2', [placed('l-2')]);
    await house.append('order-l-3', [placed('l-3')]);
    await age();
    for (const each of [lag, lag, known, known]) {
      const { lagMs, asOf } = await each.of('orders');
      expect(lagMs).toBeGreaterThanOrEqual(60_000);
      expect(lagMs).toBeLessThan(600_000);
      expect(Date.parse(asOf)).toBeLessThanOrEqual(Date.now() - 60_000);
    }
    expect(await lag.of('stock')).toMatchObject({ lagMs: 0 });
    await house.project();
    for (const each of [lag, known]) expect(await each.of('orders')).toMatchObject({ lagMs: 0 });
  });

  it('sees a later version of a stream whose earlier one is applied', async () => {
    await house.append('order-l-4', [placed('l-4')]);
    await house.project();
    await house.append('order-l-4', [confirmed('l-4')]);
    await age();
    expect((await lag.of('orders')).lagMs).toBeGreaterThan(0);
    expect((await lag.of('orders')).lagMs).toBeGreaterThan(0);
  });

  it('sees an event that took a low position and was committed late', async () => {
    const client = await house.pool.connect();
    await client.query('BEGIN');
    await client.query(`INSERT INTO tidemark.streams VALUES ('order-late', 1)`);
    await client.query(`INSERT INTO tidemark.events (stream_id, version, event_id, type, schema_version, data, occurred_at, correlation_id, causation_id, actor)
      VALUES ('order-late', 1, gen_random_uuid(), 'OrderPlaced', 1, '{}', now(), gen_random_uuid(), gen_random_uuid(), 'spec')`);
    await house.append('stock-LATER', [received('LATER', 1)]);
    await house.project();
    expect(await lag.of('orders')).toMatchObject({ lagMs: 0 });
    await client.query('COMMIT');
    client.release();
    expect((await lag.of('orders')).lagMs).toBeGreaterThan(0);
    await house.pool.query(`DELETE FROM tidemark.events WHERE stream_id = 'order-late'`);
  });

  it('is sampled once for all who ask within its age', async () => {
    const shared = new ProjectionLag({ pool: house.pool });
    const first = await shared.of('orders');
    await house.append('order-l-5', [placed('l-5')]);
    expect(await Promise.all([shared.of('orders'), shared.of('orders')])).toEqual([first, first]);
  });
});
