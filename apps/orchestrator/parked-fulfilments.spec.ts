/** Proves the operators' HTTP calls: what is parked is seen, retried and given up, each act once, with who and why. */
import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { orderDecider, stockDecider, streamId, type DomainEvent } from '#domain';
import { OutboxNotifier } from '#outbox';
import { createLogger, createPool, startHttpApp, type RunningApp } from '#platform';
import type { Pool } from 'pg';
import { v7 as uuid } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGateway } from '../../dev/gateway/gateway-server.js';
import { createTestDatabase, waitFor, type TestDatabase } from '../../test/harness/index.js';
import { Admission } from './admission.js';
import { FulfilmentEngine } from './fulfilment-engine.js';
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
  running = await startHttpApp(
    OrchestratorModule.with({
      runner: engine.runner,
      admission: new Admission({ maxActions: 100, actions: () => engine.dispatcher.size }),
      work: engine.work,
      answers: engine.store,
    }),
    { name: 'orchestrator', description: '', version: '1', logger, port: 0, handleSignals: false },
  );
  await placeRejectedOrder();
});
afterAll(async () => {
  await running.close();
  await engine.stop();
  await pool.end();
  await database.drop();
  await gateway.app.close();
  rmSync(folder, { recursive: true, force: true });
});

/** An order whose payment the gateway calls malformed, run until it is parked. */
async function placeRejectedOrder(): Promise<void> {
  const metadata = { correlationId: uuid(), causationId: uuid(), actor: 'alice', commandId: null, traceparent: null };
  const write = (id: string, events: readonly DomainEvent[]) => ({
    streamId: id,
    expectedVersion: 0,
    events: events.map(({ type, data }) => ({ id: uuid(), type, schemaVersion: 1, data, occurredAt: '2010-12-01T08:26:00.000Z' })),
  });
  const customer = { id: '17850', name: null, email: null, country: null };
  const lines = [{ sku: 'MUG', description: null, quantity: 1, unitPrice: 425 }];
  const place = { orderId, reference: null, customer, currency: 'GBP', lines, paymentToken: 'tok_rejected' };
  const receipt = stockDecider.decide(
    { type: 'ReceiveStock', data: { sku: 'MUG', quantity: 5, reference: null } },
    stockDecider.initialState,
  );
  await engine.store.append([
    {
      metadata,
      writes: [
        write(streamId('order', orderId), orderDecider.decide({ type: 'PlaceOrder', data: place }, orderDecider.initialState)),
        write(streamId('stock', 'MUG'), receipt),
      ],
    },
  ]);
  const items = [{ sku: 'MUG', quantity: 1 }];
  await engine.runner.submit(
    orderId,
    { type: 'StartFulfilment', orderId, items, amount: 425, currency: 'GBP', paymentToken: 'tok_rejected' },
    { correlationId: metadata.correlationId, causationId: metadata.causationId, actor: 'system:test', traceparent: null },
  );
  await parked();
}

const parked = () => waitFor(async () => (await engine.work.listParked(10)).length === 1, { what: 'the order to be parked' });

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
    const unknown = await post(`${uuid()}/retry`, { reason: 'x' }, { 'idempotency-key': 'late-2' });
    expect([unknown.status, JSON.parse(unknown.text)]).toEqual([404, expect.objectContaining({ code: 'fulfilment.not-found' })]);
  });
});
