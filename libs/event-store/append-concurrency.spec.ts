// Proves that appends of many connections at once neither deadlock nor leave holes, and that moving a head stays a HOT update.
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, waitFor, type TestDatabase } from '../../test/harness/index.js';
import type { AppendRequest, AppendVerdict } from './append-request.js';
import { EventStore } from './event-store.js';
import { command, request, write } from './testing/requests.js';
import { testPool } from './testing/test-pool.js';
import { seededRandom } from './testing/seeded-random.js';

let database: TestDatabase;
let pool: pg.Pool;
let store: EventStore;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = testPool(database.url, 20);
  store = new EventStore({ pool });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

const number = async (sql: string): Promise<number> => Number((await pool.query<[unknown]>({ text: sql, rowMode: 'array' })).rows[0]?.[0]);

describe('twenty connections with overlapping streams', () => {
  it('never deadlock, and every version is there exactly once', async () => {
    const random = seededRandom(20_101_201);
    const streams = Array.from({ length: 12 }, (_, n) => `busy-${n}`);
    const versions = new Map(streams.map((stream) => [stream, 0]));
    const learn = (verdict: AppendVerdict): void => {
      if (verdict.outcome === 'conflict')
        versions.set(verdict.streamId, Math.max(versions.get(verdict.streamId) ?? 0, verdict.actualVersion));
    };
    let appended = 0;
    const failures: string[] = [];

    const worker = async (name: number): Promise<void> => {
      for (let round = 0; round < 25; round += 1) {
        const requests = Array.from({ length: 1 + random.below(3) }, (_, n) => {
          // In no particular order: ordering the locks is the store's business. Some streams are new in every round.
          const chosen = random.shuffle(streams).slice(0, 1 + random.below(5));
          const writes = chosen.map((stream) => write(stream, versions.get(stream) ?? 0, 1 + random.below(3)));
          const born = write(`born-${random.below(400)}`, 0);
          return request(random.below(2) === 0 ? [...writes, born] : [born, ...writes], command(`${name}-${round}-${n}`));
        });
        const verdicts = await store.append(requests).catch((error: { code?: string; message: string }): AppendVerdict[] => {
          failures.push(`${error.code}: ${error.message}`);
          return [];
        });
        verdicts.forEach((verdict, index) => {
          learn(verdict);
          if (verdict.outcome !== 'appended') return;
          appended += 1;
          for (const { streamId, expectedVersion, events } of requests[index]?.writes ?? []) {
            if (versions.has(streamId)) versions.set(streamId, Math.max(versions.get(streamId) ?? 0, expectedVersion + events.length));
          }
        });
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, name) => worker(name)));

    // A refusal is a verdict; a deadlock or a version taken twice would be an error.
    expect(failures).toEqual([]);
    expect(appended).toBeGreaterThan(50);
    expect(await number('SELECT count(*) FROM tidemark.commands')).toBe(appended);
    expect(
      await number(
        `SELECT count(*) FROM tidemark.streams s WHERE version <> (SELECT count(*) FROM tidemark.events e WHERE e.stream_id = s.stream_id)`,
      ),
    ).toBe(0);
    expect(
      await number(
        `SELECT count(*) FROM (SELECT stream_id FROM tidemark.events GROUP BY stream_id HAVING max(version) <> count(*) OR min(version) <> 1)`,
      ),
    ).toBe(0);
    expect(await number('SELECT count(*) FROM tidemark.streams WHERE version = 0')).toBe(0);
    expect(
      await number(
        `SELECT count(*) FROM (SELECT version - lag(version) OVER (PARTITION BY stream_id ORDER BY position) AS step FROM tidemark.events) WHERE step <> 1`,
      ),
    ).toBe(0);
    expect(
      await number(
        'SELECT count(*) FROM tidemark.events e FULL JOIN tidemark.outbox o USING (position) WHERE e.stream_id IS DISTINCT FROM o.stream_id',
      ),
    ).toBe(0);
  });
});

describe('whatever the order they are given in', () => {
  /** `first` is held by an open transaction, `both` waits for it; then the open one takes `second`, which `both` must not hold yet. */
  async function crossing(first: AppendRequest, both: readonly AppendRequest[], second: AppendRequest): Promise<AppendVerdict[][]> {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const held = await store.append([first], client);
      const waiting = store.append(both);
      await waitFor(async () => (await number('SELECT count(*) FROM pg_locks WHERE NOT granted')) > 0, { what: 'the other call to wait' });
      const taken = await store.append([second], client);
      await client.query('COMMIT');
      return [held, await waiting, taken];
    } catch (error) {
      await client.query('ROLLBACK');
      throw error;
    } finally {
      client.release();
    }
  }

  const outcomesOf = async (calls: Promise<AppendVerdict[][]>): Promise<string[][]> =>
    (await calls).map((call) => call.map(({ outcome }) => outcome));

  it('keys are taken in one order', async () => {
    const both = ['cross-z', 'cross-m', 'cross-a'].map((key) => request([], command(key)));
    const calls = crossing(request([], command('cross-m')), both, request([], command('cross-z')));
    await expect(outcomesOf(calls)).resolves.toEqual([['appended'], ['repeated', 'repeated', 'appended'], ['appended']]);
  });

  it('existing streams are taken in one order', async () => {
    await store.append(['there-z', 'there-m', 'there-a'].map((stream) => request([write(stream, 0)])));
    const both = [request([write('there-z', 1), write('there-m', 1), write('there-a', 1)])];
    const calls = crossing(request([write('there-m', 1)]), both, request([write('there-z', 1)]));
    await expect(outcomesOf(calls)).resolves.toEqual([['appended'], ['conflict'], ['appended']]);
  });

  it('new streams are taken in one order', async () => {
    const both = [request([write('cross-z', 0), write('cross-m', 0), write('cross-a', 0)])];
    const calls = crossing(request([write('cross-m', 0)]), both, request([write('cross-z', 0)]));
    await expect(outcomesOf(calls)).resolves.toEqual([['appended'], ['conflict'], ['appended']]);
    expect(await number(`SELECT count(*) FROM tidemark.streams WHERE stream_id = 'cross-a'`)).toBe(0);
  });
});

describe('a stream that moves on', () => {
  it('keeps its head HOT-updatable, and a new one is written once', async () => {
    // A database and a connection of its own: sessions hand in their statistics whenever they like.
    const alone = await createTestDatabase();
    const one = testPool(alone.url, 1);
    const only = new EventStore({ pool: one });
    for (let version = 0; version < 200; version += 1) await only.append([request([write('hot', version)])]);
    await one.query('SELECT pg_stat_force_next_flush()');
    const { rows } = await one.query(
      `SELECT n_tup_ins::integer AS inserted, n_tup_upd::integer AS updated, n_tup_hot_upd::integer AS hot
       FROM pg_stat_user_tables WHERE relid = 'tidemark.streams'::regclass`,
    );
    expect(rows).toEqual([{ inserted: 1, updated: 199, hot: 199 }]);
    await one.end();
    await alone.drop();
  });
});
