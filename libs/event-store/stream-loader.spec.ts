// Proves that a loaded state is always that of all committed events, wherever it started from: memory, a snapshot or nothing.
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/harness/index.js';
import { EventReader } from './event-reader.js';
import { EventStore } from './event-store.js';
import { StreamLoader, type SnapshotPolicy } from './stream-loader.js';
import { request, write } from './testing/requests.js';
import { testPool } from './testing/test-pool.js';

let database: TestDatabase;
let pool: pg.Pool;
let store: EventStore;
let reader: EventReader;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = testPool(database.url);
  store = new EventStore({ pool });
  reader = new EventReader({ pool });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

interface Counted {
  readonly events: number;
}
const decider = { initialState: { events: 0 }, evolve: ({ events }: Counted): Counted => ({ events: events + 1 }) };
const loaderOf = (snapshots?: SnapshotPolicy<Counted>, cacheSize = 10): StreamLoader<Counted, unknown> =>
  new StreamLoader({ reader, decider, cacheSize, snapshots });

const append = async (streamId: string, from: number, count: number): Promise<void> => {
  expect(await store.append([request([write(streamId, from, count)])])).toEqual([{ outcome: 'appended' }]);
};

describe('a load', () => {
  it('of a stream that does not exist is the initial state at 0', async () => {
    expect(await loaderOf().load('none')).toEqual({ state: { events: 0 }, version: 0 });
  });

  it('sees what others appended since the last one, and reads only that', async () => {
    const loader = loaderOf();
    await append('fresh', 0, 3);
    await loader.load('fresh');
    await append('fresh', 3, 2);
    const readMany = vi.spyOn(reader, 'readMany');
    expect(await loader.load('fresh')).toEqual({ state: { events: 5 }, version: 5 });
    expect(readMany).toHaveBeenCalledWith([{ streamId: 'fresh', afterVersion: 3 }], undefined);
    readMany.mockRestore();
  });

  it('of many streams is one query', async () => {
    const loader = loaderOf();
    await append('set-a', 0, 1);
    await append('set-b', 0, 2);
    const query = vi.spyOn(pool, 'query');
    const loaded = await loader.loadMany(['set-b', 'set-a', 'set-none', 'set-a']);
    expect(query).toHaveBeenCalledTimes(1);
    query.mockRestore();
    expect([...loaded].map(([id, { version }]) => [id, version])).toEqual([
      ['set-b', 2],
      ['set-a', 1],
      ['set-none', 0],
    ]);
  });

  it('inside a transaction sees its own events and keeps none of it in memory', async () => {
    const loader = loaderOf();
    const client = await pool.connect();
    await client.query('BEGIN');
    await store.append([request([write('undone', 0, 2)])], client);
    expect((await loader.loadMany(['undone'], client)).get('undone')).toEqual({ state: { events: 2 }, version: 2 });
    await client.query('ROLLBACK');
    client.release();
    expect(loader.cached('undone')).toBeUndefined();
    await append('undone', 0, 1);
    expect(await loader.load('undone')).toEqual({ state: { events: 1 }, version: 1 });
  });
});

describe('memory', () => {
  it('takes what is remembered, never goes back, and forgets', async () => {
    const loader = loaderOf();
    loader.remember('known', 4, { events: 4 });
    loader.remember('known', 2, { events: 2 });
    expect(loader.cached('known')).toMatchObject({ state: { events: 4 }, version: 4 });
    loader.forget('known');
    expect(loader.cached('known')).toBeUndefined();
  });

  it('is bounded', async () => {
    const loader = loaderOf(undefined, 2);
    for (const id of ['x', 'y', 'z']) loader.remember(id, 1, { events: 1 });
    expect(['x', 'y', 'z'].filter((id) => loader.cached(id) !== undefined)).toEqual(['y', 'z']);
  });
});

describe('snapshots', () => {
  it('become due every so many events, once, and are what the next process starts from', async () => {
    const first = loaderOf({ schemaVersion: 1, every: 5 });
    await append('snap', 0, 12);
    await first.load('snap');
    const due = first.dueSnapshots();
    expect(due).toEqual([{ streamId: 'snap', version: 12, schemaVersion: 1, state: { events: 12 } }]);
    await store.saveSnapshots(due);
    await append('snap', 12, 2);
    await first.load('snap');
    expect(first.dueSnapshots()).toEqual([]);

    const readMany = vi.spyOn(reader, 'readMany');
    expect(await loaderOf({ schemaVersion: 1, every: 5 }).load('snap')).toEqual({ state: { events: 14 }, version: 14 });
    expect(readMany).toHaveBeenCalledWith([{ streamId: 'snap', afterVersion: 12 }], undefined);
    readMany.mockRestore();
  });

  it('become due by remembering as well', () => {
    const loader = loaderOf({ schemaVersion: 1, every: 5 });
    for (let version = 1; version <= 11; version += 1) loader.remember('grown', version, { events: version });
    expect(loader.dueSnapshots()).toMatchObject([{ version: 10 }]);
  });

  it('of another shape are ignored', async () => {
    await store.saveSnapshots([{ streamId: 'shape', version: 3, schemaVersion: 1, state: { nonsense: true } }]);
    await append('shape', 0, 4);
    expect(await loaderOf({ schemaVersion: 2, every: 5 }).load('shape')).toEqual({ state: { events: 4 }, version: 4 });
  });

  it('are coded where the state is not plain JSON', async () => {
    const policy: SnapshotPolicy<Counted> = {
      schemaVersion: 1,
      every: 2,
      encode: ({ events }) => [events],
      decode: (stored) => ({ events: (stored as number[])[0] ?? 0 }),
    };
    const loader = loaderOf(policy);
    await append('coded', 0, 2);
    await loader.load('coded');
    await store.saveSnapshots(loader.dueSnapshots());
    expect((await reader.loadSnapshots(['coded'])).get('coded')?.state).toEqual([2]);
    expect(await loaderOf(policy).load('coded')).toEqual({ state: { events: 2 }, version: 2 });
  });

  it('are never replaced by an older one', async () => {
    const save = (version: number, schemaVersion: number): Promise<void> =>
      store.saveSnapshots([{ streamId: 'newest', version, schemaVersion, state: { version } }]);
    await save(5, 1);
    await save(3, 1);
    expect((await reader.loadSnapshots(['newest'])).get('newest')).toMatchObject({ version: 5 });
    await save(4, 2);
    expect((await reader.loadSnapshots(['newest'])).get('newest')).toMatchObject({ version: 4, schemaVersion: 2 });
    await save(9, 1);
    expect((await reader.loadSnapshots(['newest'])).get('newest')).toMatchObject({ version: 4, schemaVersion: 2 });
  });
});
