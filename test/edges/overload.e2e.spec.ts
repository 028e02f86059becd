/**
 * Proves that ten times more clients than a command API holds places for are told so, with Retry-After, while its memory stays on a
 * plateau and what it accepts is kept.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Pool } from 'undici';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hasProc, sampleProcess } from '../../dev/usage/proc.js';
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

/** Resident memory of the API, mebibytes; from outside, because its own figures come as late as everything else of it just now. */
const resident = (): number => (sampleProcess(api.process.pid)?.rssBytes ?? Number.NaN) / MEBIBYTE;

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
  const warm: number[] = [];
  const warmAt = performance.now() + WARM_UP_SECONDS * 1_000;
  while (performance.now() < endsAt) {
    await sleep(100);
    if (performance.now() > warmAt) warm.push(resident());
  }
  await Promise.all(clients);
  await pool.close();

  expect(wrong.slice(0, 3)).toEqual([]);
  expect(statuses.get(201)).toBeGreaterThan(0);
  expect((statuses.get(503) ?? 0) + (statuses.get(429) ?? 0)).toBeGreaterThan(0);
  const { rows } = await sql.query(`SELECT count(*)::int AS orders FROM tidemark.events WHERE type = 'OrderPlaced'`);
  expect(rows[0].orders).toBe(statuses.get(201));

  // A plateau: the most of the last seconds is hardly more than the most of the first ones, once code and pools are warm.
  const [first, last] = [warm.slice(0, Math.ceil(warm.length / 2)), warm.slice(Math.ceil(warm.length / 2))];
  expect(last.length).toBeGreaterThan(0);
  if (hasProc()) expect(Math.max(...last)).toBeLessThan(Math.max(...first) * 1.25 + 32);
  const least = Object.fromEntries([...statuses].sort(([a], [b]) => a - b));
  process.stdout.write(
    `    ${CLIENTS} clients, ${PLACES} places, ${SECONDS} s: ${JSON.stringify(least)}; at most ${Math.round(Math.max(...warm))} MiB\n`,
  );
}, 60_000);
