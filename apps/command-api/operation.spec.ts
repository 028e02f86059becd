/** Readiness that tells the truth, refusal under overload, and an orderly end: on the running app with a real database. */
import { createLogger, type RunningApp } from '#platform';
import { randomUUID } from 'node:crypto';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest';
import { createTestDatabase, waitFor, type TestDatabase } from '../../test/harness/index.js';
import { startCommandApi } from './command-api.js';

let database: TestDatabase;
const cleanUps: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  await database.drop();
});

async function start(changes: object = {}): Promise<RunningApp> {
  const app = await startCommandApi({
    config: {
      DATABASE_URL: database.url,
      PORT: 0,
      HOST: '127.0.0.1',
      LOG_LEVEL: 'silent',
      DATABASE_POOL_SIZE: 4,
      MAX_COMMANDS_IN_FLIGHT: 5_000,
      ...changes,
    },
    logger: createLogger({ app: 'command-api', level: 'silent' }),
    handleSignals: false,
  });
  cleanUps.push(() => app.close());
  return app;
}

const receive = (app: RunningApp, sku: string) =>
  fetch(`${app.url}/stock/${sku}/receipts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
    body: '{"quantity":1}',
  });

const ready = async (app: RunningApp) => {
  const response = await fetch(`${app.url}/health/ready`);
  return { status: response.status, body: (await response.json()) as any };
};

/** Holds back every append until released. */
async function holdAppends(): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query('BEGIN; LOCK TABLE tidemark.events IN ACCESS EXCLUSIVE MODE');
  const release = async () => void (await client.end());
  return release;
}

describe('readiness', () => {
  it('is there when the database is there and migrated', async () => {
    const app = await start();
    expect(await ready(app)).toMatchObject({
      status: 200,
      body: { status: 'ok', details: { database: { status: 'up' }, eventLoop: { status: 'up' } } },
    });
  });

  it('is not there before the migrations ran; the process is alive all the same', async () => {
    const app = await start({ DATABASE_URL: inject('databaseUrl') });
    expect(await ready(app)).toMatchObject({ status: 503, body: { error: { database: { message: 'the migrations have not run' } } } });
    expect((await fetch(`${app.url}/health/live`)).status).toBe(200);
  });

  it('goes with the database and comes back with it, and commands meanwhile are told to come again', async () => {
    const link = await linkToDatabase();
    const app = await start({ DATABASE_URL: link.url });
    expect((await receive(app, 'A')).status).toBe(201);
    await link.cut();
    expect((await ready(app)).status).toBe(503);
    const refused = await receive(app, 'A');
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await refused.json()).toMatchObject({ code: 'unavailable' });
    await link.mend();
    expect((await receive(app, 'A')).status).toBe(201);
    expect((await ready(app)).status).toBe(200);
  });
});

describe('overload', () => {
  it('is refused with 503 and Retry-After while the queue is full; what was taken is done', async () => {
    const app = await start({ MAX_COMMANDS_IN_FLIGHT: 5 });
    const release = await holdAppends();
    const pending = Array.from({ length: 60 }, (_, index) => receive(app, `SKU-${index}`));
    const first = await Promise.race(pending);
    expect(first.status).toBe(503);
    await release();
    const answers = await Promise.all(pending);
    const statuses = answers.map(({ status }) => status);
    expect(statuses.every((status) => status === 201 || status === 503)).toBe(true);
    expect(statuses).toContain(201);
    expect(answers.filter(({ status }) => status === 503).every(({ headers }) => headers.get('retry-after') === '1')).toBe(true);
    expect(await countRows('tidemark.events')).toBe(statuses.filter((status) => status === 201).length);
    expect((await receive(app, 'AFTER')).status).toBe(201);
  });
});

describe('overload of one stream', () => {
  it('counts for the whole process: what waits for the stream is bounded as well', async () => {
    const app = await start({ MAX_COMMANDS_IN_FLIGHT: 5 });
    const release = await holdAppends();
    let refused = 0;
    const pending = Array.from({ length: 20 }, async () => {
      const { status } = await receive(app, 'HOT');
      if (status === 503) refused += 1;
      return status;
    });
    try {
      await waitFor(() => refused === 15, { what: 'the refusal of all but five' });
    } finally {
      await release();
    }
    expect((await Promise.all(pending)).filter((status) => status === 201)).toHaveLength(5);
  });
});

describe('the end', () => {
  it('answers what is in flight before it closes', async () => {
    const app = await start();
    const release = await holdAppends();
    // Connections that are open already: a request that is still to come when the end begins is refused.
    const opened = await Promise.all(Array.from({ length: 10 }, () => fetch(`${app.url}/health/live`)));
    await Promise.all(opened.map((answer) => answer.text()));
    const pending = Array.from({ length: 10 }, (_, index) => receive(app, `SKU-${index}`));
    await waitFor(async () => {
      const metrics = await (await fetch(`${app.url}/metrics`)).text();
      return /tidemark_commit_queue\{[^}]*\} [1-9]/.test(metrics) || (await waitingForLock()) > 0;
    });
    const closed = app.close();
    await release();
    expect((await Promise.all(pending)).map(({ status }) => status)).toEqual(Array(10).fill(201));
    await closed;
    await expect(fetch(`${app.url}/health/live`)).rejects.toThrow();
  });
});

/** A way to the database that can be cut: connections die and new ones are refused. */
async function linkToDatabase(): Promise<{ url: string; cut(): Promise<void>; mend(): Promise<void> }> {
  const url = new URL(database.url);
  const target = { host: url.hostname, port: Number(url.port) };
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => [near, far].forEach((each) => each.destroy()));
    }
    near.pipe(far).pipe(near);
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  url.host = `127.0.0.1:${port}`;
  const cut = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
      sockets.clear();
    });
  cleanUps.push(() => (server.listening ? cut() : Promise.resolve()));
  return { url: url.href, cut, mend: () => listen(port) };
}

const waitingForLock = () => countRows(`pg_stat_activity WHERE wait_event_type = 'Lock'`);

async function countRows(from: string): Promise<number> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query(`SELECT count(*)::int AS n FROM ${from}`);
  await client.end();
  return rows[0].n;
}
