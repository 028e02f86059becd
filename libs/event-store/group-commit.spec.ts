// Proves that concurrent callers share commits, and that what goes wrong with one request or one connection stays with it.
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { failpoints } from '#failpoints';
import { createTestDatabase, waitFor, type TestDatabase } from '../../test/harness/index.js';
import type { AppendRequest, AppendVerdict } from './append-request.js';
import { EventReader } from './event-reader.js';
import { EventStore } from './event-store.js';
import { GroupCommit, type CommittedBatch } from './group-commit.js';
import { OverloadedError } from './overloaded-error.js';
import { command, newEvent, request, write } from './testing/requests.js';
import { testPool } from './testing/test-pool.js';

const appended: AppendVerdict = { outcome: 'appended' };

/** A store whose round trips the spec lets through one by one. */
function gatedStore() {
  const trips: { requests: readonly AppendRequest[]; finish(verdicts?: AppendVerdict[]): void; fail(error: unknown): void }[] = [];
  const append = (requests: readonly AppendRequest[]): Promise<AppendVerdict[]> =>
    new Promise((resolve, reject) => {
      trips.push({ requests, finish: (verdicts = requests.map(() => appended)) => resolve(verdicts), fail: reject });
    });
  const trip = (index: number) => waitFor(() => trips[index], { what: `round trip ${index + 1}` });
  return { store: { append, heldStreams: async () => new Set<string>() }, trips, trip };
}

const databaseError = (code: string): Error => Object.assign(new Error(`SQLSTATE ${code}`), { code });

describe('failpoints', () => {
  it.each([
    ['command-api.before-append', 1],
    ['command-api.append-sent', 2],
    ['command-api.committed', 2],
  ])('%s: a command is sent again with its key, and answered once', async (name, sends) => {
    failpoints.arm(`${name}=throw`);
    try {
      let calls = 0;
      const own = command('key');
      const store = {
        append: async (requests: readonly AppendRequest[]): Promise<AppendVerdict[]> =>
          requests.map(() => (++calls === 1 ? appended : { outcome: 'repeated', commandId: own.id, answer: own.answer })),
        heldStreams: async () => new Set<string>(),
      };
      expect(await new GroupCommit({ store }).append(request([write('f-1', 0)], own))).toEqual(appended);
      expect(calls).toBe(sends);
    } finally {
      failpoints.disarm();
    }
  });
});

describe('sharing', () => {
  it('sends what came in one turn of the event loop together, and what came meanwhile next', async () => {
    const { store, trips, trip } = gatedStore();
    const commits = new GroupCommit({ store, inFlight: 1 });
    const first = [1, 2, 3].map((n) => commits.append(request([write(`s-${n}`, 0)])));
    await trip(0);
    const second = [4, 5].map((n) => commits.append(request([write(`s-${n}`, 0)])));
    expect(commits.queued).toBe(2);
    (await trip(0)).finish();
    (await trip(1)).finish();
    expect(await Promise.all([...first, ...second])).toEqual(Array.from({ length: 5 }, () => appended));
    expect(trips.map(({ requests }) => requests.length)).toEqual([3, 2]);
  });

  it('keeps to the limits of a round trip and to the number of connections', async () => {
    const { store, trips, trip } = gatedStore();
    const commits = new GroupCommit({ store, inFlight: 2, maxEvents: 5, maxRequests: 3 });
    const sizes = [2, 2, 2, 9, 1, 1, 1, 1];
    const all = Promise.all(sizes.map((size, n) => commits.append(request([write(`l-${n}`, 0, size)]))));
    await trip(1);
    expect(trips).toHaveLength(2);
    for (let index = 0; index < 5; index += 1) (await trip(index)).finish();
    await all;
    expect(trips.map(({ requests }) => requests.map(({ writes }) => writes[0]?.events.length))).toEqual([[2, 2], [2], [9], [1, 1, 1], [1]]);
  });

  it('refuses more than the queue holds, and everything once it closes', async () => {
    const { store, trip } = gatedStore();
    const commits = new GroupCommit({ store, inFlight: 1, maxQueued: 2 });
    const running = commits.append(request([]));
    await trip(0);
    const queued = [commits.append(request([])), commits.append(request([]))];
    const refused = expect(commits.append(request([]))).rejects.toThrow(OverloadedError);
    expect(commits.queued).toBe(2);
    await refused;
    const closed = commits.close();
    await expect(commits.append(request([]))).rejects.toThrow(OverloadedError);
    (await trip(0)).finish();
    (await trip(1)).finish();
    await closed;
    await Promise.all([running, ...queued]);
    await commits.close();
  });

  it('tells of a commit that appended something, and only of such', async () => {
    const { store, trip } = gatedStore();
    const onCommitted = vi.fn<(batch: CommittedBatch) => void>();
    const commits = new GroupCommit({ store, inFlight: 1, onCommitted });
    const conflict: AppendVerdict = { outcome: 'conflict', streamId: 'a', expectedVersion: 0, actualVersion: 1 };
    const both = Promise.all([commits.append(request([write('a', 0, 2)])), commits.append(request([write('b', 0, 3)]))]);
    (await trip(0)).finish([conflict, appended]);
    expect(await both).toEqual([conflict, appended]);
    const refused = commits.append(request([write('a', 0)]));
    (await trip(1)).finish([conflict]);
    await refused;
    expect(onCommitted.mock.calls).toEqual([[{ requests: 2, events: 3, durationMs: expect.any(Number) }]]);
  });
});

describe('a lost connection', () => {
  it('is tried again for requests with a command, and their own earlier commit counts as appended', async () => {
    const { store, trip } = gatedStore();
    const commits = new GroupCommit({ store, inFlight: 1 });
    const record = command('lost');
    const withCommand = commits.append(request([write('a', 0)], record));
    const without = commits.append(request([write('b', 0)]));
    const outcome = expect(without).rejects.toThrow('terminated');
    (await trip(0)).fail(new Error('Connection terminated unexpectedly'));
    const again = await trip(1);
    expect(again.requests).toHaveLength(1);
    await outcome;
    again.finish([{ outcome: 'repeated', answer: record.answer, commandId: record.id }]);
    expect(await withCommand).toEqual(appended);
  });

  it('that does not come back fails the request with its error', async () => {
    const { store, trip, trips } = gatedStore();
    const commits = new GroupCommit({ store, inFlight: 1 });
    const failed = expect(commits.append(request([], command('gone')))).rejects.toMatchObject({ code: '57P03' });
    for (let index = 0; index < 4; index += 1) (await trip(index)).fail(databaseError('57P03'));
    await failed;
    expect(trips).toHaveLength(4);
  });

  it('stays the answer when a later try certainly failed: the earlier one may have been carried out', async () => {
    const { store, trip } = gatedStore();
    const commits = new GroupCommit({ store, inFlight: 1 });
    const failed = expect(commits.append(request([write('held', 0)], command('held')))).rejects.toThrow('terminated');
    (await trip(0)).fail(new Error('Connection terminated unexpectedly'));
    for (const index of [1, 2]) (await trip(index)).fail(databaseError('55P03'));
    await failed;
  });

  it('or a deadlock: what left no trace is tried again whole', async () => {
    const { store, trip } = gatedStore();
    const commits = new GroupCommit({ store, inFlight: 1 });
    const both = Promise.all([commits.append(request([write('a', 0)])), commits.append(request([write('b', 0)]))]);
    (await trip(0)).fail(databaseError('40P01'));
    const again = await trip(1);
    expect(again.requests).toHaveLength(2);
    again.finish();
    expect(await both).toEqual([appended, appended]);
  });
});

describe('on PostgreSQL', () => {
  let database: TestDatabase;
  let pool: pg.Pool;
  let commits: GroupCommit;
  let reader: EventReader;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = testPool(database.url);
    reader = new EventReader({ pool });
    commits = new GroupCommit({ store: new EventStore({ pool }) });
  });

  afterAll(async () => {
    await commits.close();
    await pool.end();
    await database.drop();
  });

  it('a request the database cannot take fails alone', async () => {
    const bad = (data: object, id?: string): AppendRequest => {
      const event = newEvent(data);
      return request([{ streamId: 'bad', expectedVersion: 0, events: [{ ...event, id: id ?? event.id }] }]);
    };
    const results = await Promise.allSettled([
      commits.append(request([write('good-1', 0)], command('good-1'))),
      commits.append(bad({ text: 'a\u0000b' })),
      commits.append(bad({}, 'not-a-uuid')),
      commits.append(bad({ text: '\ud800' })),
      commits.append(request([write('good-2', 0)], command('good-2'))),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected', 'fulfilled']);
    expect(await reader.head('good-2')).toBe(1);
    expect(await reader.head('bad')).toBe(0);
  });

  it('a hundred buyers of one stream: each version goes to one of them', async () => {
    const buyers = Array.from({ length: 100 }, async (_, n) => {
      for (let expected = 0; ;) {
        const verdict = await commits.append(request([write('hot', expected)], command(`buyer-${n}`)));
        if (verdict.outcome !== 'conflict') return verdict.outcome;
        expected = verdict.actualVersion;
      }
    });
    expect(new Set(await Promise.all(buyers))).toEqual(new Set(['appended']));
    expect((await reader.readStream('hot')).map(({ version }) => version)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
  });

  it('a stream that somebody holds keeps only its own requests waiting, for a bounded time', async () => {
    const holder = await pool.connect();
    const impatient = new GroupCommit({ store: new EventStore({ pool }), inFlight: 2, patienceMs: 300 });
    try {
      await commits.append(request([write('held', 0)]));
      await holder.query(`BEGIN; SELECT FROM tidemark.streams WHERE stream_id = 'held' FOR UPDATE`);
      const startedAt = performance.now();
      const sharing = impatient.append(request([write('beside-held', 0)], command('beside-held')));
      const held = Array.from({ length: 4 }, (_, n) => impatient.append(request([write('held', 1)], command(`held-${n}`))));
      const failed = Promise.all(held.map((append) => expect(append).rejects.toMatchObject({ code: '55P03' })));
      // Both connections have met the lock; what comes now must not.
      await waitFor(() => impatient.queued === 4, { what: 'the requests to step aside' });
      const late = impatient.append(request([write('after-held', 0)], command('after-held')));
      expect(await Promise.all([sharing, late])).toEqual([appended, appended]);
      await failed;
      expect(performance.now() - startedAt).toBeLessThan(6_000);
    } finally {
      await holder.query('ROLLBACK');
      holder.release();
      await impatient.close();
    }
  });

  it('a stream that is let go in time costs its requests only the wait', async () => {
    const holder = await pool.connect();
    try {
      await commits.append(request([write('let-go', 0)]));
      await holder.query(`BEGIN; SELECT FROM tidemark.streams WHERE stream_id = 'let-go' FOR UPDATE`);
      const waiting = commits.append(request([write('let-go', 1)], command('let-go')));
      await waitFor(() => commits.queued === 0, { what: 'its round trip' });
      await waitFor(() => commits.queued === 1, { what: 'the request to step aside' });
      const joining = commits.append(request([write('let-go', 2)], command('let-go-too')));
      expect(commits.queued).toBe(2);
      await holder.query('ROLLBACK');
      expect(await Promise.all([waiting, joining])).toEqual([appended, appended]);
    } finally {
      await holder.query('ROLLBACK');
      holder.release();
    }
  });

  it('a held stream nobody can see, for it is only about to begin, ends its own request alone', async () => {
    const holder = await pool.connect();
    try {
      await holder.query(`BEGIN; INSERT INTO tidemark.streams (stream_id, version) VALUES ('unseen', 1)`);
      const unseen = expect(commits.append(request([write('unseen', 0)], command('unseen')))).rejects.toMatchObject({ code: '55P03' });
      const beside = commits.append(request([write('beside-unseen', 0)], command('beside-unseen')));
      expect(await beside).toEqual(appended);
      await unseen;
    } finally {
      await holder.query('ROLLBACK');
      holder.release();
    }
  });

  it('a killed backend costs a retry and nothing else', async () => {
    const victims = async (): Promise<number> =>
      (
        await pool.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
        )
      ).rowCount ?? 0;
    const records = Array.from({ length: 60 }, (_, n) => command(`killed-${n}`));
    const all = Promise.all(records.map((record, n) => commits.append(request([write(`killed-${n}`, 0)], record))));
    await victims();
    expect(new Set((await all).map(({ outcome }) => outcome))).toEqual(new Set(['appended']));
    const { rows } = await pool.query(`SELECT count(*)::integer AS events FROM tidemark.events WHERE stream_id LIKE 'killed-%'`);
    expect(rows).toEqual([{ events: 60 }]);
  });
});
