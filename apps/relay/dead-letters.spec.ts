// Proves what operators see and do over HTTP about events that could not be sent.
import { OutboxDeadLetters, OutboxRelay, relayClient } from '#outbox';
import { createLogger, createPool, OperatorActs, startWorkerApp, type RunningApp } from '#platform';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/harness/index.js';
import { RelayModule } from './relay.module.js';

let database: TestDatabase;
let pool: ReturnType<typeof createPool>;
let relay: OutboxRelay;
let running: RunningApp;
let poisonous = true;

beforeAll(async () => {
  database = await createTestDatabase();
  const logger = createLogger({ app: 'relay', level: 'silent' });
  pool = createPool({ databaseUrl: database.url, max: 2, app: 'relay', logger });
  pool.on('connect', (client) => client.on('error', () => undefined));
  const publisher = {
    publish: async (rows: readonly { seq: number }[]) => ({
      published: poisonous ? [] : rows.map(({ seq }) => seq),
      poison: poisonous
        ? rows.map(({ seq }) => ({
            seq,
            reason: 'too-large',
            detail: '2 MB',
            topic: 'tidemark.order',
            headers: { ce_id: 'x' },
            value: Buffer.from('{}'),
          }))
        : [],
    }),
  };
  relay = new OutboxRelay({ connect: () => relayClient(database.url), publisher, logger });
  running = await startWorkerApp(
    RelayModule.with({ relay, deadLetters: new OutboxDeadLetters({ pool }), acts: new OperatorActs({ pool, app: 'relay' }) }),
    {
      name: 'relay',
      description: 'spec',
      version: '1',
      logger,
      port: 0,
      handleSignals: false,
    },
  );
});

afterAll(async () => {
  await relay.stop();
  await running.close();
  await pool.end();
  await database.drop();
});

async function park(stream: string): Promise<number> {
  const { rows } = await pool.query(
    `WITH stored AS (
       INSERT INTO tidemark.events (stream_id, version, event_id, type, schema_version, data, occurred_at, correlation_id, causation_id, actor)
       VALUES ($1, 1, gen_random_uuid(), 'OrderPlaced', 1, '{}', now(), gen_random_uuid(), gen_random_uuid(), 'spec') RETURNING position
     )
     INSERT INTO tidemark.outbox (shard, position, stream_id) SELECT 0, position, $1 FROM stored RETURNING position`,
    [stream],
  );
  poisonous = true;
  await relay.runOnce();
  poisonous = false;
  return Number(rows[0].position);
}

const get = (path: string): Promise<Response> => fetch(`${running.url}/outbox/dead-letters${path}`);
const post = (path: string, body: object = { reason: 'because' }): Promise<Response> =>
  fetch(`${running.url}/outbox/dead-letters${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-actor': 'ops' },
    body: JSON.stringify(body),
  });

it('lists them, shows one with its message, and releases it', async () => {
  const seq = await park('order-a');
  const letter = { seq, streamId: 'order-a', version: 1, type: 'OrderPlaced', reason: 'too-large', detail: '2 MB', heldBack: 0 };
  expect(await (await get('')).json()).toMatchObject({ items: [letter] });
  expect(await (await get(`?after=${seq}`)).json()).toEqual({ items: [] });
  expect(await (await get(`/${seq}`)).json()).toMatchObject({
    ...letter,
    topic: 'tidemark.order',
    headers: { ce_id: 'x' },
    value: { base64: Buffer.from('{}').toString('base64'), text: '{}' },
    actions: [{ action: 'parked', actor: 'system:relay' }],
  });
  const released = await post(`/${seq}/release`);
  expect([released.status, await released.json()]).toEqual([200, { seq, action: 'released' }]);
  expect(await relay.runOnce()).toBe(1);
  expect((await get(`/${seq}`)).status).toBe(404);
});

it('discards one, with who and why', async () => {
  const seq = await park('order-b');
  expect(await (await post(`/${seq}/discard`, { reason: 'test data' })).json()).toEqual({ seq, action: 'discarded' });
  expect(await relay.runOnce()).toBe(0);
  expect(await new OutboxDeadLetters({ pool }).actions(seq)).toMatchObject([
    { action: 'parked' },
    { action: 'discarded', reason: 'test data', actor: 'ops' },
  ]);
});

it.each([
  ['/999999/release', { reason: 'because' }, 404, 'dead-letter-not-found'],
  ['/1/release', {}, 400, 'validation-failed'],
  ['/1/discard', { reason: '' }, 400, 'validation-failed'],
  ['/1/discard', { reason: 'x', extra: 1 }, 400, 'validation-failed'],
  ['/nonsense/discard', { reason: 'x' }, 400, 'validation-failed'],
  ['/0/release', { reason: 'x' }, 400, 'validation-failed'],
])('POST %s %j answers %i %s', async (path, body, status, code) => {
  const answer = await post(path, body);
  expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([status, code]);
});

it('refuses a name of our own processes', async () => {
  const answer = await fetch(`${running.url}/outbox/dead-letters/1/discard`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-actor': 'system:relay' },
    body: JSON.stringify({ reason: 'because' }),
  });
  expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([400, 'header-invalid']);
});

describe('by filter', () => {
  const acts = async (): Promise<Record<string, unknown>[]> =>
    ((await (await fetch(`${running.url}/operator-acts`)).json()) as { items: Record<string, unknown>[] }).items;
  const listed = async (query: string): Promise<number[]> =>
    ((await (await get(query)).json()) as { items: { seq: number }[] }).items.map(({ seq }) => seq);

  it('shows which they are, changes nothing in a dry run, and goes on in batches', async () => {
    const seqs: number[] = [];
    for (const stream of ['order-f1', 'order-f2', 'order-f3']) seqs.push(await park(stream));
    expect(await listed('?code=too-large&topic=tidemark.order')).toEqual(seqs);
    expect(await listed('?code=other')).toEqual([]);
    expect(await listed('?streamId=order-f2')).toEqual([seqs[1]]);
    expect(await listed('?to=2020-01-01T00:00:00Z')).toEqual([]);
    expect(await listed('?from=2020-01-01T00:00:00%2B01:00')).toEqual(seqs);
    const blocked = (await (await fetch(`${running.url}/outbox/blocked-streams?limit=1`)).json()) as { items: object[] };
    expect(blocked.items).toEqual([
      { streamId: 'order-f1', code: 'too-large', since: expect.any(String), seconds: expect.any(Number), letters: 1, waiting: 0 },
    ]);

    const before = await acts();
    const filter = { code: 'too-large' };
    expect(await (await post('/release', { reason: 'see', filter, dryRun: true, limit: 2 })).json()).toEqual({
      actId: null,
      dryRun: true,
      matched: 3,
      done: 0,
      refused: 0,
      refusals: [],
      remaining: 1,
      next: String(seqs[1]),
      subjects: ['order-f1@1', 'order-f2@1'],
    });
    expect([await listed(''), await acts()]).toEqual([seqs, before]);

    const first = (await (await post('/release', { reason: 'limit raised', filter, limit: 2 })).json()) as Record<string, unknown>;
    expect(first).toMatchObject({ matched: 3, done: 2, remaining: 1, next: String(seqs[1]) });
    const second = (await (await post('/discard', { reason: 'test data', filter, after: first['next'] })).json()) as Record<
      string,
      unknown
    >;
    expect(second).toMatchObject({ matched: 1, done: 1, remaining: 0, next: null, subjects: ['order-f3@1'] });
    expect(await relay.runOnce()).toBe(2);
    expect(await listed('')).toEqual([]);

    expect((await acts()).slice(0, 2)).toMatchObject([
      { act: 'outbox.discard', app: 'relay', actor: 'ops', reason: 'test data', matched: 1, done: 1, filter: { code: 'too-large' } },
      { act: 'outbox.release', actor: 'ops', reason: 'limit raised', matched: 3, done: 2, filter: { code: 'too-large', limit: 2 } },
    ]);
    const act = (await (await fetch(`${running.url}/operator-acts/${first['actId'] as string}`)).json()) as object;
    expect(act).toMatchObject({
      effects: [
        { subject: 'order-f1@1', outcome: 'done' },
        { subject: 'order-f2@1', outcome: 'done' },
      ],
    });
    const found = (await (await fetch(`${running.url}/operator-acts?subject=order-f3`)).json()) as { items: object[] };
    expect(found.items).toMatchObject([{ act: 'outbox.discard' }]);
  });

  it.each([
    ['no filter', { reason: 'x' }],
    ['an empty filter', { reason: 'x', filter: {} }],
    ['an unknown criterion', { reason: 'x', filter: { reason: 'too-large' } }],
    ['a time that is none', { reason: 'x', filter: { from: '2026-02-30T25:00:00Z' } }],
    ['a cursor that is none', { reason: 'x', filter: { code: 'a' }, after: 'order-1' }],
    ['too many at once', { reason: 'x', filter: { code: 'a' }, limit: 501 }],
    ['no reason', { filter: { code: 'a' } }],
  ])('refuses %s', async (_what, body) => {
    const answer = await post('/discard', body);
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([400, 'validation-failed']);
  });

  it('has no act of that id', async () => {
    const answer = await fetch(`${running.url}/operator-acts/00000000-0000-4000-8000-000000000000`);
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([404, 'operator-act-not-found']);
  });
});

it('describes all of it', async () => {
  const document = (await (await fetch(`${running.url}/openapi.json`)).json()) as { paths: object };
  expect(Object.keys(document.paths)).toEqual(
    expect.arrayContaining([
      '/outbox/dead-letters',
      '/outbox/dead-letters/{seq}',
      '/outbox/dead-letters/{seq}/release',
      '/outbox/dead-letters/{seq}/discard',
      '/outbox/dead-letters/release',
      '/outbox/dead-letters/discard',
      '/outbox/blocked-streams',
      '/operator-acts',
      '/operator-acts/{id}',
    ]),
  );
});

it('refuses a page that is not one', async () => {
  for (const query of ['?limit=0', '?limit=501', '?after=-1', '?after=1.5', '?limit=ten', '?unknown=1'])
    expect((await get(query)).status).toBe(400);
});
