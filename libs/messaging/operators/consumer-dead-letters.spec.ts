/**
 * Proves, over HTTP and against a real database, what operators see of a consumer's dead letters and do about them: the original bytes, one
 * at a time and by filter, every act recorded with what came of it, also when it was refused.
 */
import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { createLogger, OperatorActs, startHttpApp, type RunningApp } from '#platform';
import pg from 'pg';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { createTestDatabase, waitFor, type TestDatabase } from '../../../test/harness/index.js';
import type { BatchConsumerStrategy } from '../batch-consumer.strategy.js';
import { encode } from '../cloud-events.codec.js';
import { ConsumerDeadLetters, type Resolution } from '../consumer-dead-letters.js';
import { STREAM_PARKED, type DeadLetter } from '../dead-letter.js';
import type { IncomingMessage } from '../event-message.js';
import { PoisonEventError } from '../poison.js';
import { received, sampleEvent } from '../testing/samples.js';
import { ConsumerDeadLettersModule, deadLettersCheck, deadLettersMetrics } from './consumer-dead-letters.module.js';
import { deadLetterProblem } from './consumer-dead-letters.problems.js';

let database: TestDatabase;
let pool: pg.Pool;
let letters: ConsumerDeadLetters;
let running: RunningApp;
/** Streams whose events the handlers still refuse. */
const poisonous = new Set<string>();
const delivered: string[] = [];
/** Set: nothing is delivered before it is settled. */
let gate: Promise<void> | undefined;
let atTheGate = 0;

beforeAll(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.url, max: 6 });
  letters = new ConsumerDeadLetters({ pool, groupId: 'spec', publish: () => Promise.resolve() });
  const deliver = async (messages: readonly IncomingMessage[]): Promise<void> => {
    atTheGate += 1;
    await gate;
    for (const { key, offset } of messages) {
      const streamId = String(key);
      if (poisonous.has(streamId)) throw new PoisonEventError(sampleEvent(streamId, 1), 'unknown-type', 'still unknown');
      delivered.push(`${streamId} ${offset}`);
    }
  };
  const consumer = {
    deadLetters: letters,
    release: (streamId: string, resolution: Resolution) => letters.release(streamId, resolution, deliver),
    releaseAlone: (id: number, resolution: Resolution) => letters.releaseAlone(id, resolution, deliver),
  } as BatchConsumerStrategy;
  running = await startHttpApp(ConsumerDeadLettersModule.with(consumer, new OperatorActs({ pool, app: 'spec' })), {
    name: 'spec',
    description: '',
    version: '1',
    logger: createLogger({ app: 'spec', level: 'silent' }),
    port: 0,
    handleSignals: false,
    problems: deadLetterProblem,
    checks: [deadLettersCheck(letters)],
  });
});
afterAll(async () => {
  await running.close();
  await pool.end();
  await database.drop();
});
beforeEach(async () => {
  poisonous.clear();
  delivered.length = 0;
  await pool.query(`DELETE FROM tidemark.consumer_parked_streams; DELETE FROM tidemark.consumer_dead_letters`);
});

let offset = 0;
function letter(streamId: string | null, code = 'unknown-type', changes: Partial<IncomingMessage> = {}): DeadLetter {
  offset += 1;
  const message = { ...received(encode(sampleEvent(streamId ?? 'order-none', 1)), 0, offset), ...changes };
  return { message, streamId, code, reason: 'as the spec wants it' };
}

type Json = Record<string, any>;
const get = async (path: string): Promise<{ status: number; body: Json }> => {
  const response = await fetch(`${running.url}${path}`);
  return { status: response.status, body: (await response.json()) as Json };
};
const post = async (path: string, body: object = { reason: 'because' }): Promise<{ status: number; body: Json }> => {
  const response = await fetch(`${running.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-actor': 'olga' },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Json };
};
const lastAct = async (): Promise<Json> => {
  const [{ id }] = (await get('/operator-acts?limit=1')).body['items'];
  return (await get(`/operator-acts/${id}`)).body;
};
const heldIds = async (): Promise<number[]> => (await letters.list({ state: 'held' })).map(({ id }) => id).reverse();

describe('one letter', () => {
  it('is shown with its original bytes, and their text where they are text', async () => {
    const value = Buffer.from([0x7b, 0xff, 0x00]);
    await letters.store([
      letter('order-a', 'value-malformed', { value, headers: { ce_type: Buffer.from('OrderPläced'), many: ['a', 'b'] } }),
    ]);
    const [id] = await heldIds();
    expect((await get(`/dead-letters/${id}`)).body).toMatchObject({
      id,
      code: 'value-malformed',
      reason: 'as the spec wants it',
      key: { text: 'order-a', base64: Buffer.from('order-a').toString('base64') },
      value: { text: null, base64: value.toString('base64') },
      headers: [
        { name: 'ce_type', text: 'OrderPläced' },
        { name: 'many', text: 'a' },
        { name: 'many', text: 'b' },
      ],
    });
    expect(await get('/dead-letters/999999')).toMatchObject({ status: 404, body: { code: 'dead-letter-not-found' } });
  });

  it('is released with all of its stream', async () => {
    await letters.store([letter('order-b'), letter('order-b', STREAM_PARKED)]);
    const [, second] = await heldIds();
    expect((await post(`/dead-letters/${second}/release`, { reason: 'fixed in 2.0' })).body).toEqual({ id: second, delivered: 2 });
    expect(delivered).toHaveLength(2);
    expect(await lastAct()).toMatchObject({
      app: 'spec',
      act: 'consumer.release',
      actor: 'olga',
      reason: 'fixed in 2.0',
      subject: 'order-b',
      done: 1,
      effects: [{ subject: 'order-b', detail: '2 delivered' }],
    });
    expect(await post(`/dead-letters/${second}/release`)).toMatchObject({ status: 404, body: { code: 'dead-letter-not-held' } });
  });

  it('goes alone when it belongs to no stream', async () => {
    await letters.store([letter(null, 'header-missing')]);
    const [id] = await heldIds();
    expect((await post(`/dead-letters/${id}/release`)).body).toEqual({ id, delivered: 1 });
    expect(await heldIds()).toEqual([]);
  });

  it('stays where it is when it is still refused, and that is recorded', async () => {
    await letters.store([letter('order-c')]);
    poisonous.add('order-c');
    const [id] = await heldIds();
    expect(await post(`/dead-letters/${id}/release`)).toMatchObject({ status: 409, body: { code: 'stream-not-releasable' } });
    expect(await heldIds()).toEqual([id]);
    expect(await lastAct()).toMatchObject({
      subject: 'order-c',
      done: 0,
      refused: 1,
      effects: [{ outcome: 'refused', code: 'unknown-type' }],
    });
  });

  it('is discarded, once', async () => {
    await letters.store([letter('order-d')]);
    const [id] = await heldIds();
    expect((await post(`/dead-letters/${id}/discard`, { reason: 'a stray' })).body).toEqual({ id, state: 'discarded' });
    const place = `tidemark.order/0@${offset}`;
    expect(await lastAct()).toMatchObject({ act: 'consumer.discard', subject: place, effects: [{ detail: 'unknown-type, of order-d' }] });
    expect(await post(`/dead-letters/${id}/discard`)).toMatchObject({ status: 404, body: { code: 'dead-letter-not-held' } });
    expect((await get('/operator-acts?subject=tidemark.order/0')).body['items'].length).toBeGreaterThan(0);
  });
});

describe('by filter', () => {
  it('letters are listed by reason, stream, topic, state and time', async () => {
    await letters.store([letter('order-e'), letter('stock-E', 'unprojectable'), letter('order-e', STREAM_PARKED)]);
    const streams = async (query: string): Promise<unknown[]> =>
      (await get(`/dead-letters?${query}`)).body['items'].map((item: Json) => item['streamId']);
    expect(await streams('code=unprojectable')).toEqual(['stock-E']);
    expect(await streams('streamId=order-e')).toEqual(['order-e', 'order-e']);
    expect(await streams('topic=tidemark.stock')).toEqual(['stock-E']);
    expect(await streams('state=discarded')).toEqual([]);
    expect(await streams('to=2020-01-01T00:00:00Z')).toEqual([]);
    expect(await streams('from=2020-01-01T00:00:00Z&limit=1')).toEqual(['order-e']);
  });

  it('parked streams are listed with how long, those parked longest first, and found by what they hold', async () => {
    await letters.store([letter('stock-F')]);
    await letters.store([letter('order-f', 'unprojectable')]);
    await pool.query(`UPDATE tidemark.consumer_parked_streams SET parked_at = now() - interval '90 s' WHERE stream_id = 'order-f'`);
    expect((await get('/parked-streams')).body['items']).toMatchObject([
      { streamId: 'order-f', code: 'unprojectable', seconds: expect.toSatisfy((n: number) => n >= 90 && n < 100), held: 1 },
      { streamId: 'stock-F', code: 'unknown-type', held: 1 },
    ]);
    expect((await get('/parked-streams?topic=tidemark.stock')).body['items']).toMatchObject([{ streamId: 'stock-F' }]);
  });

  it('streams are released in batches, each for itself; what is refused is told and passed', async () => {
    for (const stream of ['order-g1', 'order-g2', 'order-g3']) await letters.store([letter(stream)]);
    poisonous.add('order-g1');
    const filter = { code: 'unknown-type' };
    expect((await post('/parked-streams/release', { reason: 'see', filter, dryRun: true })).body).toMatchObject({
      actId: null,
      dryRun: true,
      matched: 3,
      done: 0,
      subjects: ['order-g1', 'order-g2', 'order-g3'],
    });
    expect(delivered).toEqual([]);
    const first = (await post('/parked-streams/release', { reason: 'fixed', filter, limit: 2 })).body;
    expect(first).toMatchObject({
      matched: 3,
      done: 1,
      refused: 1,
      refusals: [{ subject: 'order-g1', code: 'unknown-type' }],
      remaining: 1,
      next: 'order-g2',
    });
    expect((await post('/parked-streams/release', { reason: 'fixed', filter, after: first['next'] })).body).toMatchObject({
      matched: 1,
      done: 1,
      remaining: 0,
      next: null,
    });
    expect((await letters.parked()).map(({ streamId }) => streamId)).toEqual(['order-g1']);
    expect((await get(`/operator-acts/${first['actId']}`)).body).toMatchObject({
      filter: { code: 'unknown-type', limit: 2 },
      subject: null,
      matched: 3,
      done: 1,
      refused: 1,
      effects: [
        { subject: 'order-g1', outcome: 'refused' },
        { subject: 'order-g2', outcome: 'done' },
      ],
    });
  });

  it('no more than two releases are under way, so that the consumer keeps connections', async () => {
    for (const stream of ['order-x1', 'order-x2', 'order-x3']) await letters.store([letter(stream)]);
    let open: () => void = () => undefined;
    gate = new Promise((resolve) => (open = resolve));
    atTheGate = 0;
    const release = (stream: string) => post(`/parked-streams/${stream}/release`, { reason: 'fixed' });
    const filter = { code: 'unknown-type' };
    const underWay = [release('order-x1'), release('order-x2')];
    await waitFor(() => atTheGate === 2, { what: 'both deliveries' });
    const letIn = waitFor(() => atTheGate === 3, { what: 'a third' }).then(() => 'let in');
    letIn.catch(() => undefined);
    expect(await Promise.race([release('order-x3'), letIn])).toMatchObject({ status: 503, body: { code: 'overloaded' } });
    expect(await post('/parked-streams/release', { reason: 'fixed', filter })).toMatchObject({ status: 503, body: { code: 'overloaded' } });
    expect(await post('/dead-letters/release', { reason: 'fixed', filter })).toMatchObject({ status: 503, body: { code: 'overloaded' } });
    open();
    gate = undefined;
    expect((await Promise.all(underWay)).map(({ status }) => status)).toEqual([200, 200]);
    expect(await release('order-x3')).toMatchObject({ status: 200, body: { delivered: 1 } });
  });

  it('letters are released with their streams, each stream once', async () => {
    await letters.store([letter('order-h'), letter('order-h'), letter(null)]);
    expect((await post('/dead-letters/release', { reason: 'fixed', filter: { code: 'unknown-type' } })).body).toMatchObject({
      matched: 3,
      done: 2,
      remaining: 0,
    });
    expect(delivered).toHaveLength(3);
    expect(await letters.parked()).toEqual([]);
  });

  it('letters are discarded in batches', async () => {
    for (let n = 0; n < 3; n += 1) await letters.store([letter(`order-i${n}`, 'value-malformed')]);
    const filter = { code: 'value-malformed', topic: 'tidemark.order' };
    const first = (await post('/dead-letters/discard', { reason: 'strays', filter, limit: 2 })).body;
    expect(first).toMatchObject({ matched: 3, done: 2, remaining: 1 });
    expect((await post('/dead-letters/discard', { reason: 'strays', filter, after: first['next'] })).body).toMatchObject({
      done: 1,
      remaining: 0,
    });
    expect(await heldIds()).toEqual([]);
    // Nothing is held any more, and the streams go on.
    expect((await post('/parked-streams/release', { reason: 'strays', filter: { code: 'value-malformed' } })).body).toMatchObject({
      done: 3,
    });
    expect(await letters.parked()).toEqual([]);
  });

  it('counts only what was still held when it comes to it', async () => {
    await letters.store([letter('order-j1'), letter('order-j2')]);
    const [one] = await heldIds();
    const other = await pool.connect();
    await other.query('BEGIN');
    await other.query(`UPDATE tidemark.consumer_dead_letters SET state = 'discarded' WHERE id = $1`, [one]);
    const answer = post('/dead-letters/discard', { reason: 'strays', filter: { code: 'unknown-type' } });
    await expect
      .poll(
        async () =>
          (await pool.query(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`)).rowCount,
      )
      .toBe(1);
    await other.query('COMMIT');
    other.release();
    expect((await answer).body).toMatchObject({ matched: 2, done: 1 });
    expect((await lastAct())['effects']).toHaveLength(1);
  });

  it.each([
    ['dead-letters/discard', { reason: 'x' }],
    ['dead-letters/release', { reason: 'x', filter: {} }],
    ['parked-streams/release', { filter: { code: 'x' } }],
    ['dead-letters/discard', { reason: 'x', filter: { code: 'x' }, after: 'order-1' }],
    ['dead-letters/discard', { reason: 'x', filter: { code: 'x', extra: 1 } }],
    ['parked-streams/release', { reason: 'x', filter: { from: 'yesterday' } }],
  ])('POST %s refuses %j', async (path, body) => {
    expect(await post(`/${path}`, body)).toMatchObject({ status: 400, body: { code: 'validation-failed' } });
  });
});

describe('the record of an act', () => {
  /** What the newest act says, and whether the transaction that last wrote the letter (its xmin) wrote that. */
  const together = async (id: number | undefined): Promise<unknown> => {
    const { rows } = await pool.query(
      `SELECT l.state, a.xmin = l.xmin AS act, e.xmin = l.xmin AS effect
       FROM tidemark.consumer_dead_letters l, tidemark.operator_acts a JOIN tidemark.operator_act_effects e ON e.act_id = a.id
       WHERE l.id = $1 ORDER BY a.number DESC LIMIT 1`,
      [id],
    );
    return rows[0];
  };

  it.each([
    ['discard', 'order-l1', 'discarded'],
    ['release', null, 'released'],
  ])('%s of one letter is in the transaction that does it', async (act, streamId, state) => {
    await letters.store([letter(streamId)]);
    const [id] = await heldIds();
    expect((await post(`/dead-letters/${id}/${act}`)).status).toBe(200);
    expect(await together(id)).toEqual({ state, act: true, effect: true });
  });

  it.each([
    ['discard', 'order-l2', 'discarded'],
    ['release', null, 'released'],
  ])('%s by filter has its effects in the transaction that does it', async (act, streamId, state) => {
    await letters.store([letter(streamId)]);
    const [id] = await heldIds();
    expect((await post(`/dead-letters/${act}`, { reason: 'x', filter: { code: 'unknown-type' } })).body).toMatchObject({ done: 1 });
    // What was set out to be done is recorded before.
    expect(await together(id)).toEqual({ state, act: false, effect: true });
  });

  it.each([
    ['of a stream', '/parked-streams/order-l3/release', { reason: 'no such luck' }],
    ['by filter', '/parked-streams/release', { reason: 'no such luck', filter: { code: 'unknown-type' } }],
  ])('a release %s that is not committed leaves none that it was done', async (_what, path, body) => {
    await letters.store([letter('order-l3')]);
    // Raised by the COMMIT itself.
    await pool.query(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused' USING ERRCODE = '22000'; END $$;
      CREATE CONSTRAINT TRIGGER refuse AFTER DELETE ON tidemark.consumer_parked_streams DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION refuse()`);
    try {
      expect((await post(path, body)).status).toBe(500);
    } finally {
      await pool.query('DROP TRIGGER refuse ON tidemark.consumer_parked_streams; DROP FUNCTION refuse');
    }
    expect((await letters.parked()).map(({ streamId }) => streamId)).toEqual(['order-l3']);
    const { rows } = await pool.query(
      `SELECT FROM tidemark.operator_act_effects e JOIN tidemark.operator_acts a ON a.id = e.act_id WHERE e.subject = 'order-l3'`,
    );
    expect(rows).toEqual([]);
  });
});

describe('growth', () => {
  it('is seen in readiness, which stays 200, and in the figures', async () => {
    expect((await get('/health/ready')).body).toMatchObject({ status: 'ok', details: { deadLetters: { status: 'up', held: 0 } } });
    const group = new ConsumerDeadLetters({ pool, groupId: `spec-${randomUUID()}`, publish: () => Promise.resolve() });
    const registry = new Registry();
    deadLettersMetrics(group, registry);
    for (const sink of [letters, group]) {
      await sink.store([letter('order-k'), letter('order-k', STREAM_PARKED), letter('stock-K', 'unprojectable')]);
    }
    await pool.query(`UPDATE tidemark.consumer_dead_letters SET recorded_at = now() - interval '2 h' WHERE code = 'unprojectable'`);
    const ready = await get('/health/ready');
    expect(ready).toMatchObject({
      status: 200,
      body: {
        status: 'degraded',
        details: {
          deadLetters: {
            status: 'degraded',
            held: 3,
            lastHour: 2,
            blockedStreams: 2,
            byCode: { 'unknown-type': 1, 'stream-parked': 1, unprojectable: 1 },
          },
        },
      },
    });
    expect(ready.body['details'].deadLetters.oldestSeconds).toBeGreaterThanOrEqual(7_200);
    const text = await registry.metrics();
    for (const line of [
      /tidemark_consumer_dead_letters_held\{code="unprojectable"\} 1/,
      /tidemark_consumer_dead_letters_total\{code="unknown-type"\} 1/,
      /tidemark_consumer_dead_letters_oldest_seconds 72\d\d/,
      /tidemark_consumer_blocked_streams 2/,
      /tidemark_consumer_blocked_seconds \d+/,
    ])
      expect(text).toMatch(line);
    // Delivered again and put aside again: not one more.
    const again = letter('order-k');
    await group.store([again]);
    await group.store([again]);
    expect(group.stored.get('unknown-type')).toBe(2);
  });
});

it('describes all of it', async () => {
  const paths = Object.keys((await get('/openapi.json')).body['paths']);
  expect(paths).toEqual(
    expect.arrayContaining([
      '/dead-letters',
      '/dead-letters/{id}',
      '/dead-letters/{id}/release',
      '/dead-letters/{id}/discard',
      '/dead-letters/release',
      '/dead-letters/discard',
      '/parked-streams',
      '/parked-streams/{streamId}/release',
      '/parked-streams/release',
      '/operator-acts',
    ]),
  );
});
