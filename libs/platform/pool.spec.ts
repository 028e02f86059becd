/** Our pool reads bigints and times in our way, leaves pg's process-wide parsers alone, and survives losing its connections. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, Line, type TestDatabase } from '../../test/harness/index.js';
import { createLogger } from './logger.js';
import { createPool } from './pool.js';

let database: TestDatabase;
let pool: pg.Pool;
const lines: { event: string; err?: object }[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  const logger = createLogger({ app: 'spec', level: 'info', destination: { write: (line: string) => void lines.push(JSON.parse(line)) } });
  pool = createPool({ databaseUrl: database.url, max: 2, app: 'spec', logger });
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const one = async (expression: string, from: Pick<pg.Pool, 'query'> = pool) =>
  (await from.query(`SELECT ${expression} AS value`)).rows[0].value;

describe('createPool', () => {
  it('reads bigints as numbers and refuses those it would have to round', async () => {
    expect(await one('9007199254740991::bigint')).toBe(Number.MAX_SAFE_INTEGER);
    await expect(one('9007199254740993::bigint')).rejects.toThrow('beyond the safe integers');
  });

  it('reads times as ISO 8601 in UTC, and dates as they are', async () => {
    expect(await one(`'2010-12-01 08:26:00+01'::timestamptz`)).toBe('2010-12-01T07:26:00.000Z');
    expect(await one(`'2010-12-01 08:26:00.123456+00'::timestamptz`)).toBe('2010-12-01T08:26:00.123Z');
    expect(await one(`'0044-03-15 12:00+00 BC'::timestamptz IS NOT NULL`)).toBe(true);
    expect(await one(`'infinity'::timestamptz`)).toBe('infinity');
    expect(await one(`'2010-12-01'::date`)).toBe('2010-12-01');
    expect(await one(`current_setting('TimeZone')`)).toBe('UTC');
  });

  it('reads any time as a Date would', async () => {
    const { rows } = await pool.query<{ at: string; text: string }>(
      `SELECT at, at::text FROM generate_series('0001-01-01'::timestamptz, '9999-12-31', '97 days 7 hours 11.0045 seconds') AS at
       UNION ALL SELECT at, at::text FROM generate_series('2010-12-01'::timestamptz, '2010-12-02', '200 seconds 10.1 milliseconds') AS at
       UNION ALL SELECT at, at::text FROM unnest('{9999-12-31 23:59:59.999999+00, 10000-01-01 00:00+00, 2010-12-01 00:00:00.5+00}'::timestamptz[]) AS at`,
    );
    expect(rows.length).toBeGreaterThan(30_000);
    expect(rows.filter(({ at, text }) => !Number.isNaN(Date.parse(text)) && at !== new Date(text).toISOString())).toEqual([]);
  });

  it('changes nothing for other pools of the process', async () => {
    const other = new pg.Pool({ connectionString: database.url, max: 1 });
    expect(await one('1::bigint', other)).toBe('1');
    await other.end();
  });

  it('is told apart in pg_stat_activity, and replaces connections that died', async () => {
    const admin = new pg.Client({ connectionString: database.url });
    await admin.connect();
    const { rows } = await admin.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tidemark-spec'`);
    expect(rows.length).toBeGreaterThan(0);
    await admin.end();
    await expect.poll(() => lines.map(({ event }) => event)).toContain('database.connection.lost');
    expect(Object.keys(lines.find(({ event }) => event === 'database.connection.lost')!.err!)).not.toContain('client');
    expect(await one('1')).toBe(1);
  });

  it('fails the next statement, and nothing else, when a connection dies in the hands of its holder', async () => {
    const client = await pool.connect();
    await client.query('BEGIN');
    const ended = new Promise((resolve) => client.once('end', resolve));
    await pool.query('SELECT pg_terminate_backend($1)', [await one('pg_backend_pid()', client)]);
    await ended;
    await expect(client.query('COMMIT')).rejects.toThrow();
    client.release(true);
    expect(await one('1')).toBe(1);
  });
});

describe('connections that stay open and answer nothing', () => {
  let line: Line;
  let behind: pg.Pool;
  beforeAll(async () => {
    const url = new URL(database.url);
    line = await Line.to({ host: url.hostname, port: Number(url.port) });
    url.host = `127.0.0.1:${line.port}`;
    const logger = createLogger({ app: 'spec', level: 'fatal' });
    behind = createPool({ databaseUrl: url.href, max: 1, app: 'behind', logger, queryTimeoutMs: 500 });
  });
  afterAll(async () => {
    await behind.end();
    line.close();
  });

  it('fail what was asked on them, and are replaced', async () => {
    expect(await one('1', behind)).toBe(1);
    line.goDead();
    await expect(one('2', behind)).rejects.toThrow('Query read timeout');
    expect(await one('3', behind)).toBe(3);
  });

  it('fail the rest of a transaction at once, and are replaced though their holder gives them back as they are', async () => {
    const client = await behind.connect();
    await client.query('BEGIN');
    line.goDead();
    await expect(client.query('SELECT 1')).rejects.toThrow('Query read timeout');
    const askedAt = performance.now();
    await expect(client.query('ROLLBACK')).rejects.toThrow();
    expect(performance.now() - askedAt).toBeLessThan(400);
    client.release();
    expect(await one('4', behind)).toBe(4);
  });
});
