// Proves what operators see and do over HTTP about events that could not be sent.
import { OutboxDeadLetters, OutboxRelay, relayClient } from '#outbox';
import { createLogger, createPool, startWorkerApp, type RunningApp } from '#platform';
import { afterAll, beforeAll, expect, it } from 'vitest';
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
  running = await startWorkerApp(RelayModule.with({ relay, deadLetters: new OutboxDeadLetters({ pool }) }), {
    name: 'relay',
    description: 'spec',
    version: '1',
    logger,
    port: 0,
    handleSignals: false,
  });
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
    value: Buffer.from('{}').toString('base64'),
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

it('refuses a page that is not one', async () => {
  for (const query of ['?limit=0', '?limit=501', '?after=-1', '?after=1.5', '?limit=ten', '?unknown=1'])
    expect((await get(query)).status).toBe(400);
});
