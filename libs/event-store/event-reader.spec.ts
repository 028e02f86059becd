// Proves what a reader answers: ranges of a stream, the past as it was recorded, and scans of the whole store without holes.
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/harness/index.js';
import { EventReader, type ScanOptions } from './event-reader.js';
import { EventStore } from './event-store.js';
import type { ScannedEvent } from './stored-event.js';
import { newEvent, request, write } from './testing/requests.js';
import { testPool } from './testing/test-pool.js';
import { Upcasters } from './upcasters.js';

let database: TestDatabase;
let pool: pg.Pool;
let store: EventStore;
let reader: EventReader;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = testPool(database.url, 6);
  store = new EventStore({ pool });
  reader = new EventReader({ pool });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

const names = (events: readonly ScannedEvent[]): string[] => events.map(({ streamId, version }) => `${streamId}@${version}`);

async function scan(options?: ScanOptions): Promise<string[]> {
  const found: string[] = [];
  for await (const batch of reader.readAll(options)) found.push(...names(batch));
  return found;
}

describe('a stream', () => {
  it('comes back as it was appended, with what the store adds', async () => {
    const event = {
      ...newEvent({ text: 'ß', deep: { list: [1, null] } }, 'Happened'),
      schemaVersion: 3,
      occurredAt: '2010-12-01T08:26:00.120Z',
    };
    const metadata = { ...request([]).metadata, traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
    const before = Date.now();
    await store.append([{ writes: [{ streamId: 'full-1', expectedVersion: 0, events: [event] }], metadata }]);

    const [stored] = await reader.readStream('full-1');
    expect(stored).toEqual({
      ...event,
      ...metadata,
      streamId: 'full-1',
      version: 1,
      position: expect.any(Number),
      recordedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
    expect(Math.abs(Date.parse(stored?.recordedAt ?? '') - before)).toBeLessThan(10_000);
  });

  it('is read from a version, up to a version, and no more than a limit', async () => {
    await store.append([request([write('range', 0, 9)])]);
    const versions = async (range: Parameters<EventReader['readStream']>[1]): Promise<number[]> =>
      (await reader.readStream('range', range)).map(({ version }) => version);
    expect(await versions({ fromVersion: 7 })).toEqual([7, 8, 9]);
    expect(await versions({ toVersion: 2 })).toEqual([1, 2]);
    expect(await versions({ fromVersion: 3, toVersion: 8, limit: 2 })).toEqual([3, 4]);
    expect(await reader.readStream('nobody')).toEqual([]);
    expect(await reader.head('range')).toBe(9);
    expect(await reader.head('nobody')).toBe(0);
  });

  it('is read as it was at a time, by its own recorded times', async () => {
    await store.append([request([write('past', 0)])]);
    await pool.query(`UPDATE tidemark.events SET recorded_at = recorded_at - interval '1 hour' WHERE stream_id = 'past'`);
    await store.append([request([write('past', 1)])]);
    const [first, second] = await reader.readStream('past');
    expect(names(await reader.readStream('past', { until: new Date(first?.recordedAt ?? '') }))).toEqual(['past@1']);
    expect(names(await reader.readStream('past', { until: new Date(second?.recordedAt ?? '') }))).toEqual(['past@1', 'past@2']);
    expect(names(await reader.readStream('past', { until: new Date(Date.parse(first?.recordedAt ?? '') - 1) }))).toEqual([]);
  });

  it('is a prefix at any time, also when the clock was set back between two events', async () => {
    await store.append([request([write('clock', 0, 3)])]);
    await pool.query(`UPDATE tidemark.events SET recorded_at = recorded_at + interval '1 day' WHERE stream_id = 'clock' AND version = 2`);
    expect(names(await reader.readStream('clock', { until: new Date(Date.now() + 60_000) }))).toEqual(['clock@1']);
  });
});

describe('many streams at once', () => {
  it('come each from behind the version that is known', async () => {
    await store.append([request([write('many-a', 0, 3), write('many-b', 0, 2)])]);
    const news = await reader.readMany([
      { streamId: 'many-b', afterVersion: 0 },
      { streamId: 'many-a', afterVersion: 2 },
      { streamId: 'many-c', afterVersion: 0 },
    ]);
    expect(new Map([...news].map(([id, events]) => [id, names(events)]))).toEqual(
      new Map([
        ['many-b', ['many-b@1', 'many-b@2']],
        ['many-a', ['many-a@3']],
        ['many-c', []],
      ]),
    );
    expect(await reader.readMany([])).toEqual(new Map());
  });

  it('by correlation come in order of position', async () => {
    const first = request([write('cause', 0)]);
    await store.append([first, { ...request([write('effect', 0, 2)]), metadata: { ...first.metadata, commandId: null } }]);
    expect(names(await reader.readCorrelation(first.metadata.correlationId))).toEqual(['cause@1', 'effect@1', 'effect@2']);
  });
});

describe('the whole store', () => {
  it('is read in pages, by category, and from behind a position', async () => {
    const all = await scan();
    expect(all).toEqual(await scan({ batchSize: 3 }));
    expect(all).toContain('effect@2');
    expect(await scan({ categories: ['many', 'effect'], batchSize: 2 })).toEqual(all.filter((name) => /^(many-|effect)/.test(name)));
    expect(await scan({ afterPosition: await reader.lastPosition() })).toEqual([]);
  });

  it('is read without holes while others append: what a page missed does not reappear later without its predecessor', async () => {
    // Version 1 of `late` takes its position, but does not commit before the first page was read.
    await store.append([request([write('early-1', 0, 4)])]);
    const slow = await pool.connect();
    await slow.query('BEGIN');
    await store.append([request([write('late-1', 0)])], slow);
    await store.append([request([write('early-2', 0, 4)])]);

    const pages = reader.readAll({ categories: ['early', 'late'], batchSize: 6 });
    const first = (await pages.next()).value as ScannedEvent[];
    await slow.query('COMMIT');
    slow.release();
    await store.append([request([write('late-1', 1)])]);
    const rest: ScannedEvent[] = [];
    for await (const page of pages) rest.push(...page);

    expect(names([...first, ...rest])).toEqual([1, 2].flatMap((id) => [1, 2, 3, 4].map((version) => `early-${id}@${version}`)));
    expect(await scan({ categories: ['late'] })).toEqual(['late-1@1', 'late-1@2']);
  });
});

describe('upcasting', () => {
  it('lifts old events wherever they are read', async () => {
    const lifted = new EventReader({
      pool,
      upcasters: new Upcasters([{ type: 'Renamed', from: 1, upcast: (data) => ({ after: (data as { before: string }).before }) }]),
    });
    await store.append([request([{ streamId: 'lift', expectedVersion: 0, events: [newEvent({ before: 'x' }, 'Renamed')] }])]);
    expect(await lifted.readStream('lift')).toMatchObject([{ schemaVersion: 2, data: { after: 'x' } }]);
    expect((await lifted.readMany([{ streamId: 'lift', afterVersion: 0 }])).get('lift')).toMatchObject([{ data: { after: 'x' } }]);
    expect(await reader.readStream('lift')).toMatchObject([{ schemaVersion: 1, data: { before: 'x' } }]);
  });
});
