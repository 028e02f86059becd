/**
 * Proves that ten times more clients than a command API holds places for are told so, with Retry-After, while its memory stays on a
 * plateau and what it accepts is kept.
 */
import pg from 'pg';
import { Pool } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../harness/index.js';
import { anOrder, OwnApps, type OwnApp } from './own-apps.js';

/** Commands in flight the process is told to hold; clients that ask without a pause. */
const PLACES = 40;
const CLIENTS = 10 * PLACES;
const SECONDS = 8;
const WARM_UP_SECONDS = 3;
const MEBIBYTE = 2 ** 20;

let database: TestDatabase;
let apps: OwnApps;
let api: OwnApp;
let sql: pg.Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  apps = await OwnApps.on(database.url);
  sql = new pg.Pool({ connectionString: database.url, max: 1 });
  api = await apps.start('command-api', { MAX_COMMANDS_IN_FLIGHT: String(PLACES), LOG_LEVEL: 'fatal' });
  await api.ready();
});
afterAll(async () => {
  await apps.stop();
  await sql.end();
  await database.drop();
});

/** Mebibytes, by the process's own figures: they must be had under overload as well. */
async function memory(): Promise<{ heap: number; resident: number }> {
  const text = await (await fetch(`${api.url}/metrics`, { signal: AbortSignal.timeout(10_000) })).text();
  const figure = (name: string) => Number(new RegExp(`^${name}\\{.*\\} (\\S+)$`, 'm').exec(text)?.[1]) / MEBIBYTE;
  return { heap: figure('nodejs_heap_size_used_bytes'), resident: figure('process_resident_memory_bytes') };
}

it('ten times more clients than places', async () => {
  const pool = new Pool(api.url, { connections: CLIENTS });
  const statuses = new Map<number, number>();
  const wrong: string[] = [];
  const endsAt = performance.now() + SECONDS * 1_000;
  const clients = Array.from({ length: CLIENTS }, async (_, client) => {
    for (let n = 0; performance.now() < endsAt; n += 1) {
      const key = `overload-${client}-${n}`;
      const { statusCode, headers, body } = await pool.request({
        method: 'POST',
        path: '/orders',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify(anOrder(key)),
      });
      statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1);
      const text = await body.text();
      if (statusCode === 201) continue;
      const { code } = JSON.parse(text) as { code: string };
      if (!['overloaded', 'too-many-requests'].includes(code) || headers['retry-after'] === undefined) wrong.push(`${statusCode} ${text}`);
    }
  });
  const samples: { heap: number; resident: number; second: number }[] = [];
  const startedAt = performance.now();
  while (performance.now() < endsAt) {
    samples.push({ ...(await memory()), second: (performance.now() - startedAt) / 1_000 });
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await Promise.all(clients);
  await pool.close();

  expect(wrong.slice(0, 3)).toEqual([]);
  expect(statuses.get(201)).toBeGreaterThan(0);
  expect((statuses.get(503) ?? 0) + (statuses.get(429) ?? 0)).toBeGreaterThan(0);
  const { rows } = await sql.query(`SELECT count(*)::int AS orders FROM tidemark.events WHERE type = 'OrderPlaced'`);
  expect(rows[0].orders).toBe(statuses.get(201));

  // A plateau: the most of the last seconds is hardly more than the most of the first ones, once code and pools are warm.
  const warm = samples.filter(({ second }) => second >= WARM_UP_SECONDS);
  const half = Math.ceil(warm.length / 2);
  const most = (part: typeof samples, of: 'heap' | 'resident') => Math.max(...part.map((sample) => sample[of]));
  expect(warm.length).toBeGreaterThan(3);
  expect(most(warm.slice(half), 'heap')).toBeLessThan(most(warm.slice(0, half), 'heap') * 1.25 + 24);
  expect(most(warm.slice(half), 'resident')).toBeLessThan(most(warm.slice(0, half), 'resident') * 1.25 + 32);
  const least = Object.fromEntries([...statuses].sort(([a], [b]) => a - b));
  process.stdout.write(
    `    ${CLIENTS} clients, ${PLACES} places, ${SECONDS} s: ${JSON.stringify(least)}; heap at most ${Math.round(most(warm, 'heap'))} MiB, ` +
      `resident at most ${Math.round(most(warm, 'resident'))} MiB\n`,
  );
}, 60_000);
