/**
 * Proves what an operator's decision about parked fulfilments keeps when something goes wrong: it is carried out and recorded together, it
 * is told as done when its commit went through unheard, and there are never more under way than there is room for.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { orderDecider, stockDecider, streamId, type DomainEvent } from '#domain';
import { OutboxNotifier } from '#outbox';
import { createLogger, createPool, OperatorActs } from '#platform';
import type { Pool, PoolClient } from 'pg';
import { v7 as uuid } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, waitFor, type TestDatabase } from '../../test/harness/index.js';
import { Admission } from './admission.js';
import { FulfilmentEngine } from './fulfilment-engine.js';
import { FulfilmentOperator, type OperatorInput } from './fulfilment-operator.js';
import { toStore } from './testing/fulfilment-fixture.js';

const logger = createLogger({ app: 'orchestrator', level: 'silent' });
const decision = { actor: 'olga', reason: 'gateway mended', correlationId: uuid() };
const compensate: OperatorInput = { type: 'ResumeFulfilment', mode: 'compensate', reason: 'gateway mended' };
const answerOf = (commandId: string) => ({ status: 200, headers: {}, body: JSON.stringify({ commandId }) });
const all = (limit = 10) => ({ filter: { code: 'gateway-rejected' }, decision, dryRun: false, limit, after: '' });

/** Calls every order malformed, so that all park; takes back what it is told to. */
const gateway = createServer((request, response) => {
  request.resume();
  const status = request.method === 'GET' ? 404 : request.url === '/payments' ? 422 : 200;
  response.writeHead(status).end('{"code":"gateway-rejected"}');
});
let database: TestDatabase;
let pool: Pool;
let engine: FulfilmentEngine;
let acts: OperatorActs;
/** Places taken by others. */
let others = 0;
let operator: FulfilmentOperator;

beforeAll(async () => {
  await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.url, max: 10, app: 'operator-spec', logger });
  const config = {
    GATEWAY_URL: `http://127.0.0.1:${(gateway.address() as AddressInfo).port}`,
    GATEWAY_TIMEOUT_MS: 500,
    GATEWAY_CONCURRENCY: 4,
    ACTION_LEASE_MS: 1_000,
  };
  engine = new FulfilmentEngine({ pool, notifier: new OutboxNotifier({ pool, logger }), config, logger });
  acts = new OperatorActs({ pool, app: 'orchestrator' });
  const admission = new Admission({ maxActions: 10, actions: () => others });
  operator = new FulfilmentOperator({ runner: engine.runner, admission, work: engine.work, answers: engine.store, acts });
  const receipt = { type: 'ReceiveStock', data: { sku: 'MUG', quantity: 50, reference: null } } as const;
  await append(streamId('stock', 'MUG'), stockDecider.decide(receipt, stockDecider.initialState));
});
afterAll(async () => {
  await engine.stop();
  await pool.end();
  await database.drop();
  gateway.closeAllConnections();
  gateway.close();
});

async function append(id: string, events: readonly DomainEvent[]): Promise<void> {
  const metadata = { correlationId: uuid(), causationId: uuid(), actor: 'alice', commandId: null, traceparent: null };
  await engine.store.append([{ metadata, writes: [{ streamId: id, expectedVersion: 0, events: toStore(events) }] }]);
}

/** So many orders, parked, in order of their ids; they are the only ones. */
async function park(count: number): Promise<string[]> {
  await pool.query('DELETE FROM tidemark.fulfilment_work');
  const ids = Array.from({ length: count }, () => uuid()).toSorted();
  const lines = [{ sku: 'MUG', description: null, quantity: 1, unitPrice: 425 }];
  const payment = { currency: 'GBP', paymentToken: 'tok_ok' };
  for (const orderId of ids) {
    const data = { orderId, reference: null, customer: { id: '17850', name: null, email: null, country: null }, lines, ...payment };
    await append(streamId('order', orderId), orderDecider.decide({ type: 'PlaceOrder', data }, orderDecider.initialState));
    const cause = { correlationId: uuid(), causationId: uuid(), actor: 'system:test', traceparent: null };
    const items = [{ sku: 'MUG', quantity: 1 }];
    await engine.runner.submit(orderId, { type: 'StartFulfilment', orderId, items, amount: 425, ...payment }, cause);
  }
  await waitFor(async () => (await engine.work.listParked(50)).length === count, { what: `${count} parked orders` });
  return ids;
}

/** The next commit goes through, and its connection is lost before that is heard. */
function loseNextCommit(): void {
  const connect = pool.connect.bind(pool) as () => Promise<PoolClient>;
  const spy = vi.spyOn(pool, 'connect').mockImplementation((async () => {
    spy.mockRestore();
    const client = await connect();
    const query = client.query.bind(client) as (text: unknown, values?: unknown) => Promise<unknown>;
    client.query = (async (text: unknown, values?: unknown) => {
      const result = await query(text, values);
      if (text === 'COMMIT') throw new Error('Connection terminated unexpectedly');
      return result;
    }) as typeof client.query;
    return client;
  }) as typeof pool.connect);
}

const resumed = async (orderId: string): Promise<number> => {
  const { rowCount } = await pool.query(`SELECT FROM tidemark.events WHERE stream_id = $1 AND type = 'FulfilmentResumed'`, [
    streamId('fulfilment', orderId),
  ]);
  return rowCount ?? 0;
};

describe('a decision whose commit went through unheard', () => {
  it('is told as done and recorded as nothing else, by filter', async () => {
    const ids = await park(3);
    const found = await engine.work.matchingParked({ code: 'gateway-rejected' }, '', 10);
    vi.spyOn(engine.work, 'matchingParked').mockImplementationOnce(async () => {
      // From here on, so that the record of the act itself is not what is lost.
      const begin = acts.begin.bind(acts);
      vi.spyOn(acts, 'begin').mockImplementationOnce(async (...act) => {
        const id = await begin(...act);
        loseNextCommit();
        return id;
      });
      return found;
    });
    const answer = await operator.decideAll(compensate, all());
    expect(answer).toMatchObject({ matched: 3, done: 3, refused: 0 });
    expect(await acts.inspect(answer.actId ?? '')).toMatchObject({ done: 3, refused: 0 });
    for (const id of ids) expect(await resumed(id)).toBe(1);
  });

  it('is told as done and recorded as nothing else, when it is about one', async () => {
    const [id = ''] = await park(1);
    const find = engine.store.findAnswer.bind(engine.store);
    vi.spyOn(engine.store, 'findAnswer').mockImplementationOnce(async (key) => {
      const found = await find(key);
      loseNextCommit();
      return found;
    });
    const decided = await operator.decide(id, compensate, decision, 'lost-1', answerOf).catch((error: unknown) => error);
    expect(decided).toMatchObject({ answer: { status: 200 } });
    expect(await resumed(id)).toBe(1);
    const { rows } = await pool.query(
      `SELECT e.outcome FROM tidemark.operator_acts a JOIN tidemark.operator_act_effects e ON e.act_id = a.id WHERE a.subject = $1`,
      [streamId('fulfilment', id)],
    );
    expect(rows).toEqual([{ outcome: 'done' }]);
  });

  it('is not done again when the fulfilment has parked anew meanwhile', async () => {
    const [id = ''] = await park(1);
    const retry: OperatorInput = { type: 'ResumeFulfilment', mode: 'retry', reason: 'gateway mended' };
    const submit = engine.runner.submit.bind(engine.runner);
    vi.spyOn(engine.runner, 'submit').mockImplementationOnce(async (...input) => {
      await submit(...input);
      await waitFor(async () => (await engine.work.listParked(50)).length === 1, { what: 'it to be parked again' });
      return submit(...input);
    });
    expect(await operator.decideAll(retry, all())).toMatchObject({ done: 1, refused: 0 });
    expect(await resumed(id)).toBe(1);
  });
});

describe('decisions that come at once', () => {
  it('are refused beyond the places that are free, each with a place of its own', async () => {
    const ids = await park(4);
    others = 8;
    // A place is given back when its order is decided: none is before all four have asked for one.
    let asked = 0;
    let decideNow: () => void = () => undefined;
    const allAsked = new Promise<void>((resolve) => (decideNow = resolve));
    const ask = (): void => void ((asked += 1) === ids.length && decideNow());
    const submit = engine.runner.submit.bind(engine.runner);
    const held = vi.spyOn(engine.runner, 'submit').mockImplementation(async (...input) => {
      ask();
      await allAsked;
      return submit(...input);
    });
    const decide = async (id: string) => {
      try {
        return await operator.decide(id, compensate, decision, `one ${id}`, answerOf);
      } catch (error) {
        ask();
        throw error;
      }
    };
    const settled = await Promise.allSettled(ids.map(decide));
    held.mockRestore();
    expect(settled.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
    const refused = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    expect(refused).toEqual(
      [1, 2].map(() => expect.objectContaining({ status: 503, code: 'overloaded', headers: { 'Retry-After': '1' } })),
    );
    others = 10;
    await expect(operator.decideAll(compensate, all())).rejects.toMatchObject({ code: 'overloaded' });
    others = 9;
    expect(await operator.decideAll(compensate, all())).toMatchObject({ matched: 2, done: 1, remaining: 1 });
    expect(await operator.decideAll(compensate, all())).toMatchObject({ matched: 1, done: 1, remaining: 0 });
    others = 0;
  });
});

describe('the record of an act', () => {
  /** xmin is the transaction that wrote a row. */
  const writtenTogether = async (orderId: string): Promise<unknown> => {
    const { rows } = await pool.query(
      `SELECT a.xmin = v.xmin AS act, e.xmin = v.xmin AS effect, e.outcome
       FROM tidemark.events v, tidemark.operator_act_effects e JOIN tidemark.operator_acts a ON a.id = e.act_id
       WHERE v.stream_id = $1 AND v.type = 'FulfilmentResumed' AND e.subject = $1`,
      [streamId('fulfilment', orderId)],
    );
    return rows;
  };

  it('and its events are one transaction: no crash can keep one without the other', async () => {
    const [one = '', ...rest] = await park(3);
    await operator.decide(one, compensate, decision, 'together-1', answerOf);
    expect(await writtenTogether(one)).toEqual([{ act: true, effect: true, outcome: 'done' }]);
    await operator.decideAll(compensate, all());
    // What was set out to be done is recorded before.
    for (const id of rest) expect(await writtenTogether(id)).toEqual([{ act: false, effect: true, outcome: 'done' }]);
  });
});
