/** Proves what an operator sees of a rebuild, and that it goes by the event store: progress, comparison, and whether it was put in place. */
import { randomUUID } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { parseStreamId } from '#domain';
import { EventReader, EventStore, type AppendRequest } from '#event-store';
import { projectionsOf } from '#read-models';
import type { ProjectedEvent } from '#read-models/write';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/harness/index.js';
import { confirmed, orderStream, placed, stockStream } from '../../libs/read-models/testing/events.js';
import { applyLive } from '../../libs/read-models/testing/tables.js';
import { runRebuild } from './rebuild-command.js';
import { describeProgress } from './rebuild-report.js';
import { databaseToRebuild } from './rebuild.config.js';

let database: TestDatabase;
let pool: pg.Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 3, pipeline: true });
  const store = new EventStore({ pool });
  const streams = [
    ...Array.from({ length: 30 }, (_, n) => orderStream(`o${n}`, [placed(`o${n}`), confirmed(`o${n}`)])),
    stockStream('A', [{ type: 'StockReceived', data: { sku: 'A', quantity: 10, reference: null } }]),
  ];
  await store.append(streams.map(asAppend));
  const client = await pool.connect();
  const reader = new EventReader({ pool });
  for await (const events of reader.readAll({ batchSize: 17 })) {
    for (const category of ['order', 'stock'] as const) {
      const mine = events.filter(({ streamId }) => parseStreamId(streamId)?.category === category);
      await applyLive(client, projectionsOf(category), [mine]);
    }
  }
  client.release();
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const asAppend = (events: readonly ProjectedEvent[]): AppendRequest => ({
  writes: [
    {
      streamId: events[0]!.streamId,
      expectedVersion: 0,
      events: events.map(({ id, type, data, occurredAt }) => ({ id, type, data, occurredAt, schemaVersion: 1 })),
    },
  ],
  metadata: { correlationId: randomUUID(), causationId: randomUUID(), actor: 'spec', commandId: null, traceparent: null },
});

async function run(names: Parameters<typeof runRebuild>[0], accept = false): Promise<{ fine: boolean; text: string }> {
  const out = new PassThrough();
  const chunks: Buffer[] = [];
  out.on('data', (chunk: Buffer) => chunks.push(chunk));
  const fine = await runRebuild(names, { databaseUrl: database.url, accept, out, err: out });
  return { fine, text: Buffer.concat(chunks).toString() };
}

describe('npm run rebuild', () => {
  it('rebuilds what the live projector made, and finds it equal', async () => {
    const { fine, text } = await run(['orders', 'stock', 'customers', 'products', 'overview', 'fulfilments']);
    expect(text).toMatch(/6 projections: 61 events, [\d,]+\/s, \d+ %, [\d.]+ s left/);
    expect(text).toMatch(/orders: built from 60 events, [\d.]+ s after the start/);
    expect(text).toMatch(/ {2}order_history +60 live +60 rebuilt {3}equal/);
    expect(text).toMatch(/fulfilments: equal; compared and swapped in/);
    expect(fine).toBe(true);
  });

  it('shows what differs, without personal data, and takes it only with --accept', async () => {
    await pool.query(`UPDATE read.customers SET orders = 7, name = 'Ann Example'`);
    const refused = await run(['customers']);
    expect(refused.fine).toBe(false);
    expect(refused.text).toMatch(/customers +1 live +1 rebuilt {3}1 row differs/);
    expect(refused.text).toMatch(/17850: orders is 7, should be 30; name differs|17850: name differs; orders is 7, should be 30/);
    expect(refused.text).toMatch(/customers: DIFFERENT from the live tables, which stay/);
    expect(refused.text).not.toMatch(/Ann Example/);
    expect(await run(['customers'], true)).toMatchObject({ fine: true });
    expect((await run(['customers'])).text).toMatch(/customers: equal/);
  });

  it('tells the second of two at once, and goes on with the next projection', async () => {
    const [one, two] = await Promise.all([run(['orders', 'orders', 'orders', 'orders']), run(['orders', 'stock'])]);
    expect(one.text + two.text).toMatch(/orders: equal/);
    expect(two.text).toMatch(/stock: equal/);
    for (const { fine, text } of [one, two]) expect(fine).toBe(!text.includes('is being rebuilt already'));
  });
});

describe('its surroundings', () => {
  it('progress knows how long it will take', () => {
    expect(describeProgress('stock', { events: 50_000, position: 250, lastPosition: 1_000 }, 2_000)).toBe(
      'stock: 50,000 events, 25,000/s, 25 %, 6.0 s left',
    );
  });

  it('goes by DATABASE_URL, or says that nothing runs here', () => {
    expect(databaseToRebuild({ DATABASE_URL: 'postgres://somewhere/else' })).toBe('postgres://somewhere/else');
    expect(() => databaseToRebuild({ TIDEMARK_STATE_DIR: '/nowhere' })).toThrow(/no stack is running here/);
  });
});
