// Proves that poison holds back its own stream and no other, and what an operator can do about it.
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { createTestDatabase, waitFor } from '../../test/harness/index.js';
import { OutboxBacklog } from './outbox-backlog.js';
import { OutboxDeadLetters } from './outbox-dead-letters.js';
import type { PublishResult } from './outbox-publisher.js';
import type { OutboxRelay } from './outbox-relay.js';
import type { OutboxRow } from './outbox-row.js';
import { nameOf, outboxFixture, range, RecordingPublisher, type OutboxFixture } from './testing/outbox-fixture.js';

let outbox: OutboxFixture;
let deadLetters: OutboxDeadLetters;
let broker: RecordingPublisher;
let relay: OutboxRelay;

beforeAll(async () => {
  outbox = await outboxFixture({ createTestDatabase, waitFor });
  deadLetters = new OutboxDeadLetters({ pool: outbox.pool });
});
beforeEach(() => {
  broker = new RecordingPublisher();
  broker.answer = (rows) => refuse(rows, 'order-bad@2');
  relay = outbox.relay(broker);
});
afterEach(async () => {
  await outbox.reset();
});
afterAll(async () => {
  await outbox.close();
});

/** As the contract asks of a publisher: nothing of the stream goes out behind the poison. */
function refuse(rows: readonly OutboxRow[], name: string): PublishResult {
  const poison = rows.find((row) => nameOf(row) === name);
  const sendable = rows.filter((row) => poison === undefined || row.streamId !== poison.streamId || row.version < poison.version);
  const { published } = broker.accept(sendable);
  if (poison === undefined) return { published, poison: [] };
  const letter = {
    seq: poison.seq,
    reason: 'too-large',
    detail: '2 MB',
    topic: 'topic',
    headers: { ce_id: poison.eventId },
    value: Buffer.from([0, 255, 1]),
  };
  return { published, poison: [letter] };
}

async function poisoned(): Promise<number> {
  for (const version of range(1, 4)) for (const stream of ['order-bad', 'order-good']) await outbox.insert(stream, [version]);
  await relay.runOnce();
  const [letter] = await deadLetters.list();
  return letter?.seq ?? 0;
}

const operator = { reason: 'limit was raised', actor: 'ops' };

it('a poison row is put aside with its message; its stream waits, all others go on', async () => {
  const seq = await poisoned();
  expect(broker.firstOf('order-good')).toHaveLength(4);
  expect(broker.firstOf('order-bad')).toEqual(['order-bad@1']);
  await outbox.insert('order-bad', [5]);
  await outbox.insert('order-good', [5]);
  await relay.runOnce();
  expect(broker.first.slice(-1)).toEqual(['order-good@5']);

  const letter = { seq, streamId: 'order-bad', version: 2, type: 'Counted', reason: 'too-large', detail: '2 MB', heldBack: 3 };
  expect(await deadLetters.list()).toMatchObject([letter]);
  const inspected = await deadLetters.inspect(seq);
  expect(inspected).toMatchObject({ ...letter, topic: 'topic', headers: { ce_id: inspected?.eventId }, value: Buffer.from([0, 255, 1]) });
  expect(inspected?.actions).toMatchObject([{ action: 'parked', reason: 'too-large', actor: 'system:relay' }]);
  expect(await new OutboxBacklog({ pool: outbox.pool }).measure()).toEqual({
    rows: 3,
    deadLetters: 1,
    heldBackStreams: 1,
    // What waits behind a dead letter is not late: it waits for a person.
    oldestSeconds: 0,
  });
});

it('released, it goes first and the waiting rows follow', async () => {
  const seq = await poisoned();
  broker.answer = (rows) => broker.accept(rows);
  expect(await deadLetters.release(seq, operator)).toBe(true);
  await relay.runOnce();
  expect(broker.firstOf('order-bad')).toEqual(range(1, 4).map((version) => `order-bad@${version}`));
  expect(await deadLetters.list()).toEqual([]);
  expect(await deadLetters.inspect(seq)).toBeUndefined();
  expect(await deadLetters.actions(seq)).toMatchObject([{ action: 'parked' }, { action: 'released', ...operator }]);
});

it('released while it is still poison, it is put aside again', async () => {
  const seq = await poisoned();
  await deadLetters.release(seq, operator);
  await relay.runOnce();
  expect(broker.firstOf('order-bad')).toEqual(['order-bad@1']);
  expect((await deadLetters.actions(seq)).map(({ action }) => action)).toEqual(['parked', 'released', 'parked']);
});

it('discarded, it is never sent and the waiting rows go on', async () => {
  const seq = await poisoned();
  broker.answer = (rows) => broker.accept(rows);
  expect(await deadLetters.discard(seq, operator)).toBe(true);
  await relay.runOnce();
  expect(broker.firstOf('order-bad')).toEqual(['order-bad@1', 'order-bad@3', 'order-bad@4']);
  expect(await outbox.left()).toBe(0);
});

it('is decided about once: whoever comes later is told so', async () => {
  const seq = await poisoned();
  const decisions = await Promise.all([
    deadLetters.release(seq, operator),
    deadLetters.discard(seq, operator),
    deadLetters.release(seq, operator),
  ]);
  expect(decisions.filter(Boolean)).toHaveLength(1);
  expect(await deadLetters.release(seq + 1_000, operator)).toBe(false);
  expect(await deadLetters.actions(seq)).toHaveLength(2);
});

it.each(['release', 'discard', 'releaseAll', 'discardAll'] as const)('%s is one transaction with its record', async (act) => {
  const seq = await poisoned();
  const all = { filter: { code: 'too-large' }, decision: operator, dryRun: false, afterSeq: 0, limit: 10 };
  await (act === 'release' || act === 'discard' ? deadLetters[act](seq, operator) : deadLetters[act](all));
  // xmin is the transaction that wrote a row.
  const { rows } = await outbox.pool.query(
    `SELECT d.action, a.xmin = d.xmin AS act, e.xmin = d.xmin AS effect
     FROM tidemark.dead_letter_actions d, tidemark.operator_acts a JOIN tidemark.operator_act_effects e ON e.act_id = a.id
     WHERE d.position = $1 AND d.action <> 'parked' AND e.subject = 'order-bad@2' ORDER BY a.number DESC LIMIT 1`,
    [seq],
  );
  expect(rows).toEqual([{ action: act.startsWith('release') ? 'released' : 'discarded', act: true, effect: true }]);
});

it('the list is paged', async () => {
  for (const stream of ['order-bad', 'order-other']) await outbox.insert(stream, [2]);
  broker.answer = (rows) => ({
    published: [],
    poison: rows.map(({ seq }) => ({ seq, reason: 'r', detail: '', topic: null, headers: {}, value: null })),
  });
  await relay.runOnce();
  const [first] = await deadLetters.list({ limit: 1 });
  expect(await deadLetters.list({ limit: 1 })).toHaveLength(1);
  expect((await deadLetters.list({ afterSeq: first?.seq })).map(({ streamId }) => streamId)).toEqual(['order-other']);
});

it('the oldest row that could be published is seen, also while no relay looks', async () => {
  await poisoned();
  await outbox.insert('order-late', [1]);
  await outbox.pool.query(
    `UPDATE tidemark.events SET recorded_at = now() - interval '5 min' WHERE stream_id IN ('order-late', 'order-bad')`,
  );
  const { oldestSeconds } = await new OutboxBacklog({ pool: outbox.pool }).measure();
  expect(oldestSeconds).toBeGreaterThanOrEqual(300);
  await relay.runOnce();
  expect((await new OutboxBacklog({ pool: outbox.pool }).measure()).oldestSeconds).toBe(0);
});
