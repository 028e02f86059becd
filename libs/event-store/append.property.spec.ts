// Proves append against a model in a few lines of TypeScript: whatever the calls, verdicts, streams, keys and heads are the model's.
import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/harness/index.js';
import type { AppendRequest, AppendVerdict, CommandRecord } from './append-request.js';
import { EventStore } from './event-store.js';
import { command, request, write } from './testing/requests.js';
import { testPool } from './testing/test-pool.js';

let database: TestDatabase;
let pool: pg.Pool;
let store: EventStore;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = testPool(database.url, 2);
  store = new EventStore({ pool });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** One request at a time, each on plain maps. */
class Model {
  readonly versions = new Map<string, number>();
  readonly commands = new Map<string, CommandRecord>();

  append({ writes, command: record }: AppendRequest): AppendVerdict {
    const stored = record && this.commands.get(record.idempotencyKey);
    if (stored !== undefined) {
      const same = stored.fingerprint === record?.fingerprint;
      return same ? { outcome: 'repeated', answer: stored.answer, commandId: stored.id } : { outcome: 'key-reused' };
    }
    const moved = new Map(this.versions);
    for (const { streamId, expectedVersion, events } of writes) {
      const actualVersion = moved.get(streamId) ?? 0;
      if (actualVersion !== expectedVersion) return { outcome: 'conflict', streamId, expectedVersion, actualVersion };
      moved.set(streamId, actualVersion + events.length);
    }
    moved.forEach((version, streamId) => version > 0 && this.versions.set(streamId, version));
    if (record !== undefined) this.commands.set(record.idempotencyKey, record);
    return { outcome: 'appended' };
  }
}

const aWrite = fc.record({
  stream: fc.constantFrom('a', 'b', 'c', 'd'),
  /** Mostly where the stream stands after the calls so far, so that much is accepted. */
  offset: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: -2, max: 2 }) }),
  count: fc.integer({ min: 0, max: 3 }),
});
const aRequest = fc.record({
  writes: fc.array(aWrite, { maxLength: 3 }),
  key: fc.option(fc.constantFrom('k1', 'k2', 'k3', 'k4'), { nil: undefined }),
  fingerprint: fc.constantFrom('f1', 'f1', 'f2'),
});

it('agrees with the model on every verdict and on everything stored', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(aRequest, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 6 }), async (calls) => {
      run += 1;
      const model = new Model();
      const prefix = `run${run}-`;
      for (const call of calls) {
        const requests = call.map(({ writes, key, fingerprint }) =>
          request(
            writes.map(({ stream, offset, count }) =>
              write(prefix + stream, Math.max(0, (model.versions.get(prefix + stream) ?? 0) + offset), count),
            ),
            key && command(prefix + key, { fingerprint }),
          ),
        );
        expect(await store.append(requests)).toEqual(requests.map((each) => model.append(each)));
      }
      const heads = await pool.query(`SELECT stream_id, version FROM tidemark.streams WHERE starts_with(stream_id, $1)`, [prefix]);
      expect(new Map(heads.rows.map((row) => [row.stream_id, row.version]))).toEqual(model.versions);
      const events = await pool.query(
        `SELECT stream_id, count(*)::integer AS version, max(version) AS newest FROM tidemark.events JOIN tidemark.outbox USING (position, stream_id)
         WHERE starts_with(stream_id, $1) GROUP BY stream_id`,
        [prefix],
      );
      expect(new Map(events.rows.map((row) => [row.stream_id, row.version]))).toEqual(model.versions);
      expect(events.rows.every((row) => row.version === row.newest)).toBe(true);
      const keys = await pool.query(`SELECT command_id FROM tidemark.commands WHERE starts_with(idempotency_key, $1)`, [prefix]);
      expect(keys.rows.map((row) => row.command_id).sort()).toEqual([...model.commands.values()].map(({ id }) => id).sort());
    }),
    { seed: 573_585, numRuns: 150 },
  );
});
