/** Proves that a transaction is held inside the append, that it goes on as if nothing had been, and that one which is cut leaves nothing. */
import type pg from 'pg';
import { EventStore } from '#event-store';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { request, write } from '../../libs/event-store/testing/requests.js';
import { testPool } from '../../libs/event-store/testing/test-pool.js';
import { createTestDatabase, type TestDatabase } from '../../test/harness/index.js';
import { Random } from '../chaos/load/random.js';
import { instanceNamed } from '../chaos/stack/instance.js';
import { AppendGate } from './append-gate.js';
import type { HitContext } from './injector.js';
import { KILL_POINTS, type Action, type GatePlace } from './kill-points.js';

let database: TestDatabase;
let pool: pg.Pool;
let gate: AppendGate;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = testPool(database.url, 1);
  gate = new AppendGate(database.url);
  await gate.install();
});
afterAll(async () => {
  await gate.close();
  await pool.end();
  await database.drop();
});

/** This process in place of a command API. */
const contextOf = (action: Action): HitContext => ({
  stack: { processOf: () => ({ pid: process.pid, running: true }) } as unknown as HitContext['stack'],
  point: KILL_POINTS[0]!,
  action,
  instance: instanceNamed('command-api-1'),
  random: new Random(1),
  signal: new AbortController().signal,
});

it.each<[GatePlace, 'stall' | 'cut']>([
  ['between-events-and-outbox', 'stall'],
  ['before-commit', 'stall'],
  ['before-commit', 'cut'],
])(
  '%s, %s',
  async (place, action) => {
    const store = new EventStore({ pool });
    const hit = { over: false };
    const made = gate.hit(place, contextOf(action)).finally(() => (hit.over = true));
    const kept: string[] = [];
    let [failed, longestMs] = [0, 0];
    for (let n = 0; !hit.over; n += 1) {
      const startedAt = performance.now();
      const stream = `order-${place}-${action}-${n}`;
      await store.append([request([write(stream, 0)])]).then(
        () => kept.push(stream),
        () => (failed += 1),
      );
      longestMs = Math.max(longestMs, performance.now() - startedAt);
    }
    const { note } = await made;
    expect(failed).toBe(action === 'cut' ? 1 : 0);
    if (action === 'stall') expect(longestMs).toBeGreaterThanOrEqual(Number.parseInt(note!, 10));
    const { rows } = await pool.query<{ id: string }>(
      'SELECT stream_id AS id FROM tidemark.events JOIN tidemark.outbox USING (position, stream_id) WHERE stream_id LIKE $1',
      [`order-${place}-${action}-%`],
    );
    expect(rows.map(({ id }) => id).sort()).toEqual(kept.sort());
  },
  30_000,
);
