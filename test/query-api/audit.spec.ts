/** Proves: an auditor sees who did what, when and why, at any version and any time, page by page or whole, and never a payment token. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { STOCK_STATE_VERSION } from '#domain';
import type { CausationNode } from '../../apps/query-api/audit/causation-tree.js';
import {
  AuditedEvent,
  CommandAnswer,
  CorrelationAnswer,
  DiffAnswer,
  StateAnswer,
  StreamHistory,
} from '../../apps/query-api/audit/audit.answers.js';
import { waitFor } from '../harness/index.js';
import { QueryApiFixture } from './query-api-fixture.js';
import { cancelled, confirmed, placed, received, reserved, shipped } from './sample-events.js';

let house: QueryApiFixture;
let placing: { commandId: string; eventIds: string[]; correlationId: string };
let cancelling: { commandId: string; eventIds: string[]; correlationId: string };
/** A popular SKU of the real trade was in 2,265 orders. */
const LONG = 2_600;

beforeAll(async () => {
  house = await QueryApiFixture.start();
  placing = await house.append('order-o-1', [placed('o-1')], { command: 'PlaceOrder', actor: 'ann' });
  const { correlationId } = placing;
  const started = await house.append(
    'fulfilment-o-1',
    [
      {
        type: 'FulfilmentStarted',
        data: {
          orderId: 'o-1',
          items: [{ sku: '71053', quantity: 6 }],
          amount: 2034,
          currency: 'GBP',
          paymentToken: 'tok_secret_of_the_customer',
        },
      },
    ],
    { correlationId, causationId: placing.eventIds[0], actor: 'system:orchestrator' },
  );
  await house.append('stock-71053', [received('71053', 100)], { command: 'ReceiveStock' });
  await house.append('stock-71053', [reserved('71053', 'o-1', 6)], { correlationId, causationId: started.eventIds[0] });
  await house.append('order-o-1', [confirmed('o-1')], {
    correlationId,
    causationId: started.eventIds[0],
    occurredAt: '2010-12-01T08:30:00.000Z',
  });
  await house.append('stock-71053', [shipped('71053', 'o-1', 6)], { correlationId, causationId: started.eventIds[0] });
  cancelling = await house.append('order-o-1', [cancelled('o-1')], { command: 'CancelOrder', correlationId, status: 200 });
  const moves = Array.from({ length: LONG - 1 }, (_, n) =>
    n % 2 === 0 ? reserved('85123A', `b-${n}`, 1) : shipped('85123A', `b-${n - 1}`, 1),
  );
  await house.append('stock-85123A', [received('85123A', 5_000)]);
  for (let at = 0; at < moves.length; at += 650) await house.append('stock-85123A', moves.slice(at, at + 650));
});
afterAll(() => house?.stop());

describe('the history of a stream', () => {
  it('tells who, when, why, and the command behind each event', async () => {
    const history = StreamHistory.strict().parse((await house.get('/audit/streams/order-o-1/events')).body);
    expect(history).toMatchObject({ streamId: 'order-o-1', head: 3, nextFromVersion: null });
    expect(history.events.map(({ version, type, actor, causedBy, command }) => [version, type, actor, causedBy, command?.name])).toEqual([
      [1, 'OrderPlaced', 'ann', 'command', 'PlaceOrder'],
      [2, 'OrderConfirmed', 'spec', 'event', undefined],
      [3, 'OrderCancelled', 'spec', 'command', 'CancelOrder'],
    ]);
    expect(history.events[0]!.command).toEqual({
      id: placing.commandId,
      name: 'PlaceOrder',
      actor: 'ann',
      idempotencyKey: `key-${placing.commandId}`,
      correlationId: placing.correlationId,
      receivedAt: expect.any(String),
      status: 201,
    });
    expect(history.events[1]!.occurredAt).toBe('2010-12-01T08:30:00.000Z');
  });

  it('shows whose order it was, but never how it was paid', async () => {
    for (const path of [
      'streams/order-o-1/events',
      'streams/fulfilment-o-1/events',
      'streams/fulfilment-o-1/state',
      'streams/order-o-1/state',
      'streams/fulfilment-o-1/diff',
      `correlations/${placing.correlationId}`,
      `commands/${placing.commandId}`,
    ]) {
      const { status, body } = await house.get(`/audit/${path}`);
      expect([path, status]).toEqual([path, 200]);
      expect(JSON.stringify(body)).not.toContain('tok_secret');
    }
    const { body } = await house.get<StreamHistory>('/audit/streams/order-o-1/events');
    expect(body.events[0]!.data).toMatchObject({ customer: { name: 'Name of 17850' }, paymentToken: '***' });
  });

  it('comes in pages that hold every version once', async () => {
    const versions: number[] = [];
    for (let from: number | null = 1; from !== null;) {
      const { body }: { body: StreamHistory } = await house.get(`/audit/streams/stock-85123A/events?limit=200&fromVersion=${from}`);
      versions.push(...body.events.map(({ version }) => version));
      from = body.nextFromVersion;
    }
    expect(versions).toEqual(Array.from({ length: LONG }, (_, index) => index + 1));
  });

  it('can be cut by versions and by time', async () => {
    const versions = async (query: string) =>
      (await house.get<StreamHistory>(`/audit/streams/order-o-1/events?${query}`)).body.events.map(({ version }) => version);
    expect(await versions('fromVersion=2')).toEqual([2, 3]);
    expect(await versions('toVersion=2')).toEqual([1, 2]);
    expect(await versions('fromVersion=2&toVersion=2')).toEqual([2]);
    expect(await versions('fromVersion=4')).toEqual([]);
    expect(await versions('until=2020-01-01')).toEqual([]);
    const { body } = await house.get<StreamHistory>('/audit/streams/order-o-1/events');
    expect(await versions(`until=${body.events[1]!.recordedAt}`)).toContain(2);
  });
});

describe('an export', () => {
  const ndjson = { accept: 'application/x-ndjson' };

  it('holds the whole stream, one event a line', async () => {
    const { status, headers, body } = await house.get<string>('/audit/streams/stock-85123A/events', ndjson);
    expect([status, headers.get('content-type'), headers.get('vary')]).toEqual([200, 'application/x-ndjson; charset=utf-8', 'Accept']);
    const events = body
      .trimEnd()
      .split('\n')
      .map((line) => AuditedEvent.strict().parse(JSON.parse(line)));
    expect(events.map(({ version }) => version)).toEqual(Array.from({ length: LONG }, (_, index) => index + 1));
  });

  it('obeys a range, and is a problem document when there is no such stream', async () => {
    const { body } = await house.get<string>('/audit/streams/stock-85123A/events?fromVersion=10&toVersion=12', ndjson);
    expect(
      body
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as AuditedEvent).version),
    ).toEqual([10, 11, 12]);
    const missing = await house.get('/audit/streams/stock-NOTHING/events', ndjson);
    expect([missing.status, missing.headers.get('content-type')]).toEqual([404, 'application/problem+json; charset=utf-8']);
  });

  it('stops reading when the client goes away', async () => {
    const { hostname, port } = new URL(house.api.url);
    for (let client = 0; client < 20; client += 1) {
      await new Promise<void>((resolve, reject) => {
        const socket = connect(Number(port), hostname, () =>
          socket.write('GET /audit/streams/stock-85123A/events HTTP/1.1\r\nHost: x\r\nAccept: application/x-ndjson\r\n\r\n'),
        );
        socket.once('data', () => socket.destroy());
        socket.once('close', () => resolve());
        socket.once('error', reject);
      });
    }
    await waitFor(async () => {
      const { rows } = await house.pool.query(`SELECT count(*)::integer AS busy FROM pg_stat_activity
        WHERE application_name = 'tidemark-query-api' AND state <> 'idle' AND datname = current_database()`);
      return (rows[0] as { busy: number }).busy === 0;
    });
    expect((await house.get('/audit/streams/order-o-1/events')).status).toBe(200);
  });
});

describe('the state of a stream', () => {
  const state = async (query: string) => StateAnswer.strict().parse((await house.get(`/audit/streams/${query}`)).body);

  it('is folded by the domain, at any version', async () => {
    expect(await state('order-o-1/state?version=0')).toMatchObject({ version: 0, head: 3, recordedAt: null, state: { status: 'absent' } });
    expect(await state('order-o-1/state?version=1')).toMatchObject({
      version: 1,
      category: 'order',
      state: { status: 'placed', total: 2034 },
    });
    expect(await state('order-o-1/state?version=2')).toMatchObject({ version: 2, state: { status: 'confirmed' } });
    expect(await state('order-o-1/state')).toMatchObject({ version: 3, state: { status: 'cancelled', cancelledFrom: 'confirmed' } });
    expect(await state('stock-71053/state?version=2')).toMatchObject({ state: { onHand: 100, reserved: 6 } });
    expect(await state('fulfilment-o-1/state')).toMatchObject({ state: { status: 'reserving', paymentToken: '***' } });
    expect(await state('stock-85123A/state')).toMatchObject({ version: LONG, state: { received: 5_000 } });
  });

  it('is known at any time', async () => {
    const { body } = await house.get<StreamHistory>('/audit/streams/order-o-1/events');
    expect(await state('order-o-1/state?at=2020-01-01')).toMatchObject({ version: 0 });
    expect((await state(`order-o-1/state?at=${body.events[2]!.recordedAt}`)).version).toBe(3);
    expect((await state(`order-o-1/state?at=${new Date(Date.parse(body.events[0]!.recordedAt) - 1).toISOString()}`)).version).toBe(0);
    expect((await state('order-o-1/state?at=2999-01-01')).version).toBe(3);
  });

  it('may be continued from a snapshot, never past what is asked for, and the answer says so', async () => {
    const honest = await state('stock-85123A/state?version=1001');
    expect(honest.snapshotVersion).toBeNull();
    const keep = (schemaVersion: number, kept: unknown) =>
      house.pool.query(
        `INSERT INTO tidemark.snapshots VALUES ('stock-85123A', 1001, $1, $2)
         ON CONFLICT (stream_id) DO UPDATE SET schema_version = excluded.schema_version, state = excluded.state`,
        [schemaVersion, JSON.stringify(kept)],
      );
    await keep(STOCK_STATE_VERSION, honest.state);
    expect(await state('stock-85123A/state?version=1001&fromSnapshot=true')).toEqual({ ...honest, snapshotVersion: 1_001 });
    expect(await state('stock-85123A/state?fromSnapshot=true')).toEqual({ ...(await state('stock-85123A/state')), snapshotVersion: 1_001 });
    expect(await state('stock-85123A/state?version=1000&fromSnapshot=true')).toEqual(await state('stock-85123A/state?version=1000'));
    expect(await state('order-o-1/state?fromSnapshot=true')).toEqual(await state('order-o-1/state'));

    await keep(STOCK_STATE_VERSION + 1, { shape: 'of tomorrow' });
    expect((await state('stock-85123A/state?fromSnapshot=true')).snapshotVersion).toBeNull();
    const { status, body } = await house.get('/audit/streams/stock-85123A/state?fromSnapshot=true&at=2030-01-01');
    expect([status, body['code']]).toEqual([400, 'validation-failed']);
  });

  it('is compared between two versions, in both directions', async () => {
    const diff = async (query: string) => DiffAnswer.strict().parse((await house.get(`/audit/streams/${query}`)).body);
    expect(await diff('order-o-1/diff?from=1&to=2')).toEqual({
      streamId: 'order-o-1',
      from: 1,
      to: 2,
      changes: [{ path: '/status', kind: 'changed', before: 'placed', after: 'confirmed' }],
    });
    expect((await diff('order-o-1/diff?from=2&to=1')).changes).toEqual([
      { path: '/status', kind: 'changed', before: 'confirmed', after: 'placed' },
    ]);
    expect((await diff('order-o-1/diff?from=2&to=2')).changes).toEqual([]);
    const all = await diff('stock-71053/diff?from=1');
    expect(all).toMatchObject({ from: 1, to: 3 });
    expect(all.changes.map(({ path }) => path)).toEqual(expect.arrayContaining(['/onHand', '/shipped']));
  });
});

describe('causation', () => {
  type Shape = { [name: string]: Shape };
  const shape = (nodes: readonly CausationNode[]): Shape =>
    Object.fromEntries(
      nodes.map((node) => [node.kind === 'command' ? node.name : `${node.type} ${node.streamId}@${node.version}`, shape(node.caused)]),
    );
  const whole = {
    PlaceOrder: {
      'OrderPlaced order-o-1@1': {
        'FulfilmentStarted fulfilment-o-1@1': {
          'StockReserved stock-71053@2': {},
          'OrderConfirmed order-o-1@2': {},
          'StockShipped stock-71053@3': {},
        },
      },
    },
    CancelOrder: { 'OrderCancelled order-o-1@3': {} },
  };

  it('of a correlation is the tree of everything under it', async () => {
    const answer = CorrelationAnswer.strict().parse((await house.get(`/audit/correlations/${placing.correlationId}`)).body);
    expect(answer).toMatchObject({ events: 6, complete: true });
    expect(shape(answer.tree as CausationNode[])).toEqual(whole);
    expect(answer.streams).toEqual(
      expect.arrayContaining([
        { streamId: 'order-o-1', events: 3 },
        { streamId: 'stock-71053', events: 2 },
      ]),
    );
  });

  it('of a command is what followed from it alone', async () => {
    const first = CommandAnswer.strict().parse((await house.get(`/audit/commands/${placing.commandId}`)).body);
    expect(first).toMatchObject({
      command: { name: 'PlaceOrder', status: 201 },
      followed: 5,
      complete: true,
      appended: [{ streamId: 'order-o-1', version: 1, type: 'OrderPlaced' }],
    });
    expect(shape(first.tree as CausationNode[])).toEqual({ PlaceOrder: whole.PlaceOrder });
    const second = CommandAnswer.parse((await house.get(`/audit/commands/${cancelling.commandId}`)).body);
    expect(shape(second.tree as CausationNode[])).toEqual({ CancelOrder: whole.CancelOrder });
  });

  it('of a refused command is the command alone', async () => {
    const refused = await house.append('order-o-9', [], { command: 'CancelOrder', status: 409 });
    const answer = CommandAnswer.parse((await house.get(`/audit/commands/${refused.commandId}`)).body);
    expect(answer).toMatchObject({ command: { status: 409 }, appended: [], followed: 0 });
  });

  it('of the largest order there may be is complete, and of a correlation without end shown as far as it is looked at', async () => {
    const sku = 'X';
    const { correlationId, eventIds } = await house.append('order-large', [placed('large')], { command: 'PlaceOrder' });
    const read = async () => (await house.get<CorrelationAnswer>(`/audit/correlations/${correlationId}`)).body;
    const follow = async (events: number) => {
      for (let left = events; left > 0; left -= 1_000) {
        const some = Array.from({ length: Math.min(left, 1_000) }, () => reserved(sku, 'large', 1));
        await house.append(`stock-${sku}`, some, { correlationId, causationId: eventIds[0] });
      }
    };
    // reserved, shipped and returned, each 5,000 times, and the steps in between
    await follow(15_200);
    const whole = await read();
    expect(whole).toMatchObject({ events: 15_201, complete: true });
    expect((whole.tree as CausationNode[])[0]!.caused[0]!.caused).toHaveLength(15_200);
    await follow(5_000);
    expect(await read()).toMatchObject({ events: 20_000, complete: false });
  });

  it('tells times as the history of the stream does', async () => {
    const [shown] = (await house.get<StreamHistory>('/audit/streams/order-o-1/events')).body.events;
    const tree = (await house.get<CorrelationAnswer>(`/audit/correlations/${placing.correlationId}`)).body.tree as CausationNode[];
    const { id, occurredAt, recordedAt } = shown!;
    expect(tree[0]!.caused[0]).toMatchObject({ id, occurredAt, recordedAt });
  });
});
