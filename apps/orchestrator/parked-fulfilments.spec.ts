/**
 * Proves the operators' HTTP calls: what is parked is seen, retried, given up and resolved with evidence, one at a time and by filter, each
 * act once, recorded with who, why and what came of it; and the invariants hold afterwards.
 */
import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { orderDecider, stockDecider, streamId, type DomainEvent } from '#domain';
import { BatchConsumerStrategy, type Broker } from '#messaging';
import { OutboxNotifier } from '#outbox';
import { createLogger, createMetrics, createPool, OperatorActs, startHttpApp, type RunningApp } from '#platform';
import type { Pool } from 'pg';
import { v7 as uuid } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGateway } from '../../dev/gateway/gateway-server.js';
import { checkAcceptedCommands } from '../../dev/verify/accepted-commands.check.js';
import { PostgresDatabase } from '../../dev/verify/database.js';
import { checkGaplessStreams } from '../../dev/verify/gapless-streams.check.js';
import { HttpGatewayBook } from '../../dev/verify/gateway-book.js';
import { checkMoney } from '../../dev/verify/money.check.js';
import { checkSingleEffects } from '../../dev/verify/single-effects.check.js';
import { createTestDatabase, waitFor, type TestDatabase } from '../../test/harness/index.js';
import { Admission } from './admission.js';
import { FulfilmentEngine } from './fulfilment-engine.js';
import { orchestratorMetrics, parkedCheck } from './orchestrator.metrics.js';
import { OrchestratorModule } from './orchestrator.module.js';

const logger = createLogger({ app: 'orchestrator', level: 'silent' });
const orderId = uuid();
let database: TestDatabase;
let pool: Pool;
let folder: string;
let gateway: Awaited<ReturnType<typeof createGateway>>;
let engine: FulfilmentEngine;
let running: RunningApp;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-parked-'));
  gateway = await createGateway(join(folder, 'book.ndjson'));
  await gateway.app.listen({ port: 0, host: '127.0.0.1' });
  database = await createTestDatabase();
  pool = createPool({ databaseUrl: database.url, max: 5, app: 'parked-spec', logger });
  const config = {
    GATEWAY_URL: `http://127.0.0.1:${(gateway.app.server.address() as AddressInfo).port}`,
    GATEWAY_TIMEOUT_MS: 500,
    GATEWAY_CONCURRENCY: 4,
    ACTION_LEASE_MS: 1_000,
    MAX_ACTIONS_IN_MEMORY: 100,
  };
  engine = new FulfilmentEngine({ pool, notifier: new OutboxNotifier({ pool, logger }), config, logger });
  const metrics = createMetrics('orchestrator');
  orchestratorMetrics({
    registry: metrics,
    work: engine.work,
    gateway: () => ({ circuit: engine.circuit, actions: engine.dispatcher.size }),
  });
  running = await startHttpApp(
    OrchestratorModule.with({
      runner: engine.runner,
      admission: new Admission({ maxActions: 100, actions: () => engine.dispatcher.size }),
      work: engine.work,
      answers: engine.store,
      // Not started: its dead letters have a spec of their own.
      consumer: new BatchConsumerStrategy({ broker: {} as Broker, groupId: 'orchestrator', pool, logger, onFatal: () => undefined }),
      acts: new OperatorActs({ pool, app: 'orchestrator' }),
    }),
    {
      name: 'orchestrator',
      description: '',
      version: '1',
      logger,
      port: 0,
      handleSignals: false,
      metrics,
      checks: [parkedCheck(engine.work)],
    },
  );
  await stockUp();
  await placeRejectedOrder(orderId);
  await parked();
});
afterAll(async () => {
  await running.close();
  await engine.stop();
  await pool.end();
  await database.drop();
  await gateway.app.close();
  rmSync(folder, { recursive: true, force: true });
});

const write = (id: string, events: readonly DomainEvent[]) => ({
  streamId: id,
  expectedVersion: 0,
  events: events.map(({ type, data }) => ({ id: uuid(), type, schemaVersion: 1, data, occurredAt: '2010-12-01T08:26:00.000Z' })),
});

const metadataOf = () => ({ correlationId: uuid(), causationId: uuid(), actor: 'alice', commandId: null, traceparent: null });

async function stockUp(): Promise<void> {
  const receipt = { type: 'ReceiveStock', data: { sku: 'MUG', quantity: 5, reference: null } } as const;
  const received = stockDecider.decide(receipt, stockDecider.initialState);
  await engine.store.append([{ metadata: metadataOf(), writes: [write(streamId('stock', 'MUG'), received)] }]);
}

/** An order whose payment the gateway calls malformed: it will be parked. */
async function placeRejectedOrder(id = uuid()): Promise<string> {
  const metadata = metadataOf();
  const customer = { id: '17850', name: null, email: null, country: null };
  const lines = [{ sku: 'MUG', description: null, quantity: 1, unitPrice: 425 }];
  const place = { orderId: id, reference: null, customer, currency: 'GBP', lines, paymentToken: 'tok_rejected' };
  const placed = orderDecider.decide({ type: 'PlaceOrder', data: place }, orderDecider.initialState);
  await engine.store.append([{ metadata, writes: [write(streamId('order', id), placed)] }]);
  await engine.runner.submit(
    id,
    {
      type: 'StartFulfilment',
      orderId: id,
      items: [{ sku: 'MUG', quantity: 1 }],
      amount: 425,
      currency: 'GBP',
      paymentToken: 'tok_rejected',
    },
    { correlationId: metadata.correlationId, causationId: metadata.causationId, actor: 'system:test', traceparent: null },
  );
  return id;
}

const parked = (count = 1) =>
  waitFor(async () => (await engine.work.listParked(10)).length === count, { what: `${count} orders to be parked` });
const statusOf = async (id: string) => (await engine.loaders.order.load(streamId('order', id))).state.status;
const get = async (path: string): Promise<Record<string, any>> =>
  (await fetch(`${running.url}${path}`)).json() as Promise<Record<string, any>>;
const lastAct = async (): Promise<Record<string, any>> => get(`/operator-acts/${(await get('/operator-acts?limit=1'))['items'][0].id}`);

async function post(
  path: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string; headers: Headers }> {
  const response = await fetch(`${running.url}/fulfilments/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

describe('a parked fulfilment', () => {
  it('is listed with its step and reason', async () => {
    const { items } = (await (await fetch(`${running.url}/fulfilments/parked`)).json()) as { items: object[] };
    expect(items).toEqual([expect.objectContaining({ orderId, step: 'authorize', code: 'gateway-rejected' })]);
  });

  it.each([
    ['no key', {}, { reason: 'x' }, 400, 'idempotency-key-missing'],
    ['a key too long', { 'idempotency-key': 'k'.repeat(201) }, { reason: 'x' }, 400, 'header-invalid'],
    ['an actor who claims to be a process', { 'idempotency-key': 'a1', 'x-actor': 'system:relay' }, { reason: 'x' }, 400, 'header-invalid'],
    ['no reason', { 'idempotency-key': 'a2' }, {}, 400, 'validation-failed'],
    ['an unknown field', { 'idempotency-key': 'a3' }, { reason: 'x', force: true }, 400, 'validation-failed'],
  ] as const)('is not touched by a call with %s', async (_what, headers, body, status, code) => {
    const answer = await post(`${orderId}/retry`, body, headers);
    expect([answer.status, (JSON.parse(answer.text) as { code: string }).code]).toEqual([status, code]);
    expect(await engine.work.listParked(10)).toHaveLength(1);
  });

  it('is tried again when an operator says so, once for each key', async () => {
    const headers = { 'idempotency-key': 'retry-1', 'x-actor': 'olga' };
    const first = await post(`${orderId}/retry`, { reason: 'token mended' }, headers);
    expect(first.status).toBe(200);
    await parked();
    const again = await post(`${orderId}/retry`, { reason: 'token mended' }, headers);
    expect([again.status, again.text, again.headers.get('idempotency-replayed')]).toEqual([200, first.text, 'true']);
    expect((await post(`${orderId}/retry`, { reason: 'something else' }, headers)).status).toBe(422);
    const { rows } = await pool.query(
      `SELECT e.actor, c.name, e.data ->> 'reason' AS reason FROM tidemark.events e JOIN tidemark.commands c USING (command_id)
        WHERE e.type = 'FulfilmentResumed'`,
    );
    expect(rows).toEqual([{ actor: 'olga', name: 'ResumeFulfilment:retry', reason: 'token mended' }]);
    expect((await get('/operator-acts'))['items']).toEqual([
      expect.objectContaining({
        app: 'orchestrator',
        act: 'fulfilment.retry',
        actor: 'olga',
        reason: 'token mended',
        subject: streamId('fulfilment', orderId),
        matched: 1,
        done: 1,
        refused: 0,
      }),
    ]);
  });

  it('is given up: nothing is charged, goods are free again, the order is rejected', async () => {
    expect((await post(`${orderId}/compensate`, { reason: 'customer waits no longer' }, { 'idempotency-key': 'give-up-1' })).status).toBe(
      200,
    );
    await waitFor(async () => (await engine.loaders.order.load(streamId('order', orderId))).state.status === 'rejected', {
      what: 'the rejection',
    });
    expect(await engine.work.backlog()).toMatchObject({ open: 0, parked: 0 });
    expect((await engine.loaders.stock.load(streamId('stock', 'MUG'))).state).toMatchObject({ onHand: 5, reserved: 0 });
    expect((await engine.loaders.payment.load(streamId('payment', orderId))).state.status).toBe('voided');
  });

  it('cannot be resumed once it has ended, nor when it never was', async () => {
    const ended = await post(`${orderId}/retry`, { reason: 'x' }, { 'idempotency-key': 'late-1' });
    expect([ended.status, JSON.parse(ended.text)]).toEqual([409, expect.objectContaining({ code: 'fulfilment.not-parked' })]);
    expect(await lastAct()).toMatchObject({ act: 'fulfilment.retry', done: 0, refused: 1, effects: [{ code: 'fulfilment.not-parked' }] });
    const unknown = await post(`${uuid()}/retry`, { reason: 'x' }, { 'idempotency-key': 'late-2' });
    expect([unknown.status, JSON.parse(unknown.text)]).toEqual([404, expect.objectContaining({ code: 'fulfilment.not-found' })]);
    expect(await lastAct()).toMatchObject({ subject: streamId('fulfilment', orderId) });
  });
});

describe('parked fulfilments', () => {
  const filter = { step: 'authorize', code: 'gateway-rejected' };
  let ids: string[];

  it('show in readiness, which stays 200, and in the figures', async () => {
    ids = (await Promise.all([placeRejectedOrder(), placeRejectedOrder(), placeRejectedOrder()])).toSorted();
    await parked(3);
    // On a machine with too much to do it takes its time to be ready.
    const ready = await waitFor(
      async () => {
        const answer = await fetch(`${running.url}/health/ready`);
        return answer.status === 200 && answer.json();
      },
      { what: 'readiness' },
    );
    expect(ready).toEqual(
      expect.objectContaining({
        status: 'degraded',
        details: expect.objectContaining({
          parked: expect.objectContaining({ status: 'degraded', parked: 3, lastHour: 3, byCode: { 'gateway-rejected': 3 } }),
        }),
      }),
    );
    const text = await (await fetch(`${running.url}/metrics`)).text();
    expect(text).toMatch(/tidemark_fulfilments_parked\{code="gateway-rejected",app="orchestrator"\} 3/);
    expect(text).toMatch(/tidemark_gateway_circuit_open\{app="orchestrator"\} 0/);
    expect(text).toMatch(/tidemark_fulfilments_parked_oldest_seconds\{app="orchestrator"\} \d/);
  });

  it('are found by step, reason and time', async () => {
    const found = async (query: string): Promise<number> => (await get(`/fulfilments/parked?${query}`))['items'].length;
    expect(await found('step=authorize&code=gateway-rejected')).toBe(3);
    expect(await found('step=refund')).toBe(0);
    expect(await found('code=other')).toBe(0);
    expect(await found('to=2020-01-01T00:00:00Z')).toBe(0);
    expect(await found('limit=2')).toBe(2);
    expect((await get('/fulfilments/parked'))['items'][0]).toMatchObject({ seconds: expect.any(Number) });
  });

  it('are decided about by filter, first in a dry run, then in batches', async () => {
    const dry = await post('parked/retry', { reason: 'see', filter, dryRun: true, limit: 2 });
    expect(JSON.parse(dry.text)).toMatchObject({
      dryRun: true,
      matched: 3,
      done: 0,
      remaining: 1,
      subjects: ids.slice(0, 2),
      next: ids[1],
    });
    const retried = JSON.parse((await post('parked/retry', { reason: 'gateway mended', filter, limit: 2 }, { 'x-actor': 'olga' })).text);
    expect(retried).toMatchObject({ matched: 3, done: 2, refused: 0, remaining: 1, next: ids[1] });
    await parked(3);
    const act = await lastAct();
    expect(act).toMatchObject({
      id: retried.actId,
      act: 'fulfilment.retry',
      actor: 'olga',
      matched: 3,
      done: 2,
      filter: { ...filter, limit: 2 },
    });
    expect(act['effects'].map(({ subject }: { subject: string }) => subject).toSorted()).toEqual(
      ids.slice(0, 2).map((id) => streamId('fulfilment', id)),
    );
    const { rows } = await pool.query(
      `SELECT actor, data ->> 'reason' AS reason FROM tidemark.events WHERE causation_id = $1 AND type = 'FulfilmentResumed'`,
      [retried.actId],
    );
    expect(rows).toEqual([
      { actor: 'olga', reason: 'gateway mended' },
      { actor: 'olga', reason: 'gateway mended' },
    ]);
    const rest = JSON.parse((await post('parked/compensate', { reason: 'out of time', filter, after: ids[1] })).text);
    expect(rest).toMatchObject({ matched: 1, done: 1, remaining: 0, next: null });
    await waitFor(async () => (await statusOf(ids[2]!)) === 'rejected', { what: 'the rejection' });
  });

  const evidence = { reason: 'asked their support', evidence: 'paid at the till', reference: 'CASE-4711' };

  it.each([
    ['no evidence', { reason: 'x', outcome: 'done', reference: 'CASE-1' }],
    ['blank evidence', { reason: 'x', outcome: 'done', evidence: '  ', reference: 'CASE-1' }],
    ['no reference', { reason: 'x', outcome: 'done', evidence: 'seen' }],
    ['a reference of two lines', { reason: 'x', outcome: 'done', evidence: 'seen', reference: 'CASE\n1' }],
    ['an outcome that is none', { reason: 'x', outcome: 'maybe', evidence: 'seen', reference: 'CASE-1' }],
    ['no reason', { outcome: 'done', evidence: 'seen', reference: 'CASE-1' }],
  ])('are not resolved with %s', async (_what, body) => {
    const answer = await post(`${ids[0]}/resolve`, body, { 'idempotency-key': 'r0' });
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([400, 'validation-failed']);
    const all = await post('parked/resolve', { ...body, filter });
    expect([all.status, JSON.parse(all.text).code]).toEqual([400, 'validation-failed']);
  });

  it('are resolved with evidence, which stays in the history, and go on to their end', async () => {
    const id = ids[0]!;
    const resolve = (key: string) => post(`${id}/resolve`, { ...evidence, outcome: 'done' }, { 'idempotency-key': key, 'x-actor': 'olga' });
    const first = await resolve('resolve-1');
    expect([first.status, JSON.parse(first.text)]).toEqual([200, { orderId: id, outcome: 'done', commandId: expect.any(String) }]);
    expect((await resolve('resolve-1')).headers.get('idempotency-replayed')).toBe('true');
    // The gateway knows nothing of that payment: the capture cannot be asked of it, and is resolved likewise.
    await waitFor(async () => (await get('/fulfilments/parked?step=capture'))['items'].length === 1, { what: 'the capture to be parked' });
    expect((await resolve('resolve-2')).status).toBe(200);
    await waitFor(async () => (await statusOf(id)) === 'confirmed', { what: 'the confirmation' });
    expect(await lastAct()).toMatchObject({
      act: 'fulfilment.resolve',
      actor: 'olga',
      reason: 'asked their support',
      details: { outcome: 'done', evidence: 'paid at the till', reference: 'CASE-4711' },
      done: 1,
    });
    const { rows } = await pool.query(
      `SELECT actor, data FROM tidemark.events WHERE stream_id = $1 AND type = 'FulfilmentResolved' ORDER BY version LIMIT 1`,
      [streamId('fulfilment', id)],
    );
    expect(rows).toEqual([
      { actor: 'olga', data: { orderId: id, step: 'authorize', outcome: 'done', evidence: 'paid at the till', reference: 'CASE-4711' } },
    ]);
    expect((await get('/fulfilments/parked'))['items']).toHaveLength(1);
  });

  it('are resolved by filter', async () => {
    const answer = await post('parked/resolve', { ...evidence, outcome: 'not-done', filter });
    expect(JSON.parse(answer.text)).toMatchObject({ matched: 1, done: 1, remaining: 0 });
    await waitFor(async () => (await statusOf(ids[1]!)) === 'rejected', { what: 'the rejection' });
    expect(await engine.work.backlog()).toMatchObject({ open: 0, parked: 0 });
    expect((await engine.loaders.stock.load(streamId('stock', 'MUG'))).state).toMatchObject({ onHand: 4, reserved: 0 });
  });

  it.each([{ reason: 'x' }, { reason: 'x', filter: {} }, { reason: 'x', filter: { orderId: 'y' } }])(
    'are not decided about by %j',
    async (body) => {
      const answer = await post('parked/retry', body);
      expect([answer.status, JSON.parse(answer.text).code]).toEqual([400, 'validation-failed']);
    },
  );

  it('leave every invariant whole', async () => {
    const view = new PostgresDatabase(database.url);
    const book = new HttpGatewayBook(`http://127.0.0.1:${(gateway.app.server.address() as AddressInfo).port}`);
    try {
      for (const check of [checkAcceptedCommands, checkSingleEffects, checkGaplessStreams])
        expect([check.name, (await check(view)).violations.kept]).toEqual([check.name, []]);
      const money = await checkMoney(view, book);
      expect([money.violations.kept, money.counts['settledByHand'], money.counts['confirmed']]).toEqual([[], 2, 1]);
    } finally {
      await view.close();
    }
  });

  it('and dead letters of the consumer are described with all that can be done', async () => {
    expect(Object.keys((await get('/openapi.json'))['paths'])).toEqual(
      expect.arrayContaining([
        '/fulfilments/parked',
        '/fulfilments/parked/retry',
        '/fulfilments/parked/compensate',
        '/fulfilments/parked/resolve',
        '/fulfilments/{orderId}/retry',
        '/fulfilments/{orderId}/compensate',
        '/fulfilments/{orderId}/resolve',
        '/dead-letters',
        '/parked-streams/{streamId}/release',
        '/operator-acts',
      ]),
    );
    expect(await get('/dead-letters')).toEqual({ items: [] });
  });
});
