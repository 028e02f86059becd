// Proves that a process which stands still while it has a stream's lock holds up others for a bounded time, and does nothing afterwards.
import { EventStore } from '#event-store';
import { createLogger, createPool, isTransientDatabaseError } from '#platform';
import type { Pool } from 'pg';
import { v7 as uuid } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../test/harness/index.js';
import { StreamLock } from './stream-lock.js';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.url, max: 4, app: 'stream-lock-spec', logger: createLogger({ app: 'spec', level: 'silent' }) });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

it('a holder that stands still loses the lock, and its commit fails as something that may be tried again', async () => {
  const store = new EventStore({ pool });
  const lock = new StreamLock({ pool, store, onCommitted: () => undefined });
  const event = { id: uuid(), type: 'Counted', schemaVersion: 1, data: {}, occurredAt: '2010-12-01T08:26:00.000Z' };
  const write = { streamId: 'stood-still', expectedVersion: 0, events: [event] };
  const metadata = { correlationId: uuid(), causationId: uuid(), actor: 'spec', commandId: null, traceparent: null };
  const other = await pool.connect();
  const failure = await lock
    .hold('stood-still', async ({ commit }) => {
      await other.query(`BEGIN; SET LOCAL lock_timeout = '8s'`);
      // Waits for as long as this holder stands still.
      await store.lockStreams(other, ['stood-still']);
      await other.query('ROLLBACK');
      return await commit({ writes: [write], metadata });
    })
    .catch((error: unknown) => error);
  other.release();
  expect(isTransientDatabaseError(failure)).toBe(true);
  expect((await pool.query(`SELECT FROM tidemark.events WHERE stream_id = 'stood-still'`)).rowCount).toBe(0);
});
