// Proves what becomes of each row for each thing the codec and the broker can say about it.
import { failpoints } from '#failpoints';
import type { OutgoingMessage, SendVerdict } from '#messaging';
import type { OutboxRow } from '#outbox';
import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { KafkaPublisher } from './kafka-publisher.js';

function row(seq: number, streamId: string, version: number): OutboxRow {
  return {
    seq,
    shard: 0,
    streamId,
    version,
    eventId: randomUUID(),
    type: 'OrderConfirmed',
    schemaVersion: 1,
    data: '{"orderId": "a"}',
    occurredAt: '2010-12-01T08:26:00.000Z',
    recordedAt: '2010-12-01T08:26:01.000Z',
    correlationId: randomUUID(),
    causationId: randomUUID(),
    actor: 'spec',
    commandId: null,
    traceparent: null,
  };
}

function publisher(verdicts: readonly SendVerdict[]) {
  const sent: OutgoingMessage[] = [];
  const send = async (messages: readonly OutgoingMessage[]): Promise<SendVerdict[]> => {
    sent.push(...messages);
    return [...verdicts];
  };
  return { sent, publish: (rows: readonly OutboxRow[]) => new KafkaPublisher({ producer: { send } }).publish(rows) };
}

const ok: SendVerdict = { outcome: 'acknowledged' };

describe('a row', () => {
  it('goes out as a CloudEvent under its stream, with its JSON as stored', async () => {
    const { sent, publish } = publisher([ok]);
    const given = row(7, 'order-a', 3);
    expect(await publish([given])).toEqual({ published: [7], poison: [], failure: undefined });
    expect(sent).toMatchObject([{ topic: 'tidemark.order', key: 'order-a', headers: { ce_id: given.eventId, ce_streamversion: '3' } }]);
    expect(sent[0]?.value?.toString()).toBe(given.data);
  });

  it('that the broker rejects is poison with its message, and what is held back behind it stays', async () => {
    const { sent, publish } = publisher([ok, { outcome: 'rejected', code: 'too-large', reason: '2 MB' }, { outcome: 'held-back' }, ok]);
    const result = await publish([row(1, 'order-a', 1), row(2, 'order-b', 1), row(3, 'order-b', 2), row(4, 'order-c', 1)]);
    expect(result.published).toEqual([1, 4]);
    expect(result.failure).toBeUndefined();
    expect(result.poison).toEqual([
      { seq: 2, reason: 'too-large', detail: '2 MB', topic: 'tidemark.order', headers: sent[1]?.headers, value: sent[1]?.value },
    ]);
  });

  it('that failed stays, and the reason is told', async () => {
    const error = new Error('no leader');
    const { publish } = publisher([ok, { outcome: 'failed', error }]);
    expect(await publish([row(1, 'order-a', 1), row(2, 'order-a', 2)])).toEqual({ published: [1], poison: [], failure: error });
  });

  it('that cannot be encoded is poison and bars its own stream alone', async () => {
    const { sent, publish } = publisher([ok, ok]);
    const result = await publish([row(1, 'nowhere-a', 1), row(2, 'order-a', 1), row(3, 'nowhere-a', 2), row(4, 'order-a', 2)]);
    expect(sent.map(({ key }) => key)).toEqual(['order-a', 'order-a']);
    expect(result.published).toEqual([2, 4]);
    expect(result.poison).toMatchObject([
      { seq: 1, reason: 'not-encodable', topic: null, headers: {}, value: Buffer.from('{"orderId": "a"}') },
    ]);
  });

  it('of a batch that is poison throughout asks nothing of the broker', async () => {
    const { sent, publish } = publisher([]);
    expect((await publish([row(1, 'nowhere-a', 1)])).poison).toHaveLength(1);
    expect(sent).toEqual([]);
  });
});

describe('a batch that is to fail half way', () => {
  afterEach(() => failpoints.disarm());

  const rows = [1, 2, 3, 4].map((seq) => row(seq, 'order-a', seq));
  const halves = (first: readonly SendVerdict[]) => {
    const calls: number[] = [];
    const send = async (messages: readonly OutgoingMessage[]): Promise<SendVerdict[]> => {
      calls.push(messages.length);
      return calls.length === 1 ? [...first] : messages.map(() => ok);
    };
    return { calls, publish: () => new KafkaPublisher({ producer: { send } }).publish(rows) };
  };

  it('has sent its first half, and says nothing of any row', async () => {
    failpoints.arm('relay.half-acknowledged=throw');
    const { calls, publish } = halves([ok, ok]);
    await expect(publish()).rejects.toThrow('relay.half-acknowledged');
    expect(calls).toEqual([2]);
    expect((await publish()).published).toEqual([1, 2, 3, 4]);
    expect(calls).toEqual([2, 4]);
  });

  it('goes no further when something of the first half was not taken', async () => {
    failpoints.arm('relay.half-acknowledged=throw');
    const error = new Error('no leader');
    const { calls, publish } = halves([ok, { outcome: 'failed', error }]);
    expect(await publish()).toEqual({ published: [1], poison: [], failure: error });
    expect(calls).toEqual([2]);
  });

  it('was sent when the place before its acknowledgement is reached', async () => {
    failpoints.arm('relay.sent=throw');
    const { calls, publish } = halves([ok, ok, ok, ok]);
    await expect(publish()).rejects.toThrow('relay.sent');
    expect(calls).toEqual([4]);
  });
});
