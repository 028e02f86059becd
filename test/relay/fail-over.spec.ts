// Proves: two relays on a real broker, one in a process of its own that is stopped past its locks, continued, and killed. Every event
// arrives, first occurrences in version order, and what the other relay could not reach is sent within seconds.
import { randomUUID } from 'node:crypto';
import { EventStore, type AppendRequest } from '#event-store';
import { decode, KafkaJsBroker, TOPICS, type BatchConsumer, type BatchProducer } from '#messaging';
import { OutboxNotifier, OutboxRelay, relayClient } from '#outbox';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { KafkaPublisher } from '../../apps/relay/kafka-publisher.js';
import { startTestStack, waitFor, type TestStack } from '../harness/index.js';

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const STREAMS = Array.from({ length: 48 }, (_, n) => `order-${n}`);

let stack: TestStack;
let pool: pg.Pool;
let store: EventStore;
let notifier: OutboxNotifier;
let producer: BatchProducer;
let consumer: BatchConsumer;
let relay: OutboxRelay;
/** Names of what arrived, repeats included, by stream. */
const arrived = new Map<string, number[]>(STREAMS.map((stream) => [stream, []]));
const written = new Map<string, number>(STREAMS.map((stream) => [stream, 0]));

beforeAll(async () => {
  stack = await startTestStack({ apps: ['relay'] });
  pool = new pg.Pool({ connectionString: stack.databaseUrl, max: 3 });
  pool.on('connect', (client) => client.on('error', () => undefined));
  store = new EventStore({ pool });
  notifier = new OutboxNotifier({ pool, logger: silent });
  const broker = new KafkaJsBroker({ brokers: stack.kafkaBrokers, clientId: 'spec', topicPrefix: stack.topicPrefix, logger: silent });
  const admin = broker.admin();
  await admin.ensureTopics();
  await admin.close();
  producer = await broker.createProducer();
  consumer = broker.createConsumer({
    groupId: 'spec',
    topics: [TOPICS.order],
    onBatch: async (batch, control) => {
      for (const message of batch.messages) {
        const { streamId, version } = decode(message);
        arrived.get(streamId)?.push(version);
        control.processed(message);
      }
      return 'done';
    },
    onFatal: (error) => {
      throw error;
    },
  });
  await consumer.start();
  relay = new OutboxRelay({ connect: () => relayClient(stack.databaseUrl), publisher: new KafkaPublisher({ producer }), logger: silent });
}, 60_000);

afterAll(async () => {
  await relay?.stop();
  await consumer?.stop();
  await producer?.close();
  await notifier?.close();
  await pool?.end();
  await stack?.stop();
}, 30_000);

/** Three more events for every stream. */
async function write(): Promise<void> {
  const requests = STREAMS.map((streamId): AppendRequest => {
    const expectedVersion = written.get(streamId) ?? 0;
    const events = Array.from({ length: 3 }, () => ({
      id: randomUUID(),
      type: 'OrderConfirmed',
      schemaVersion: 1,
      data: { orderId: streamId },
      occurredAt: '2010-12-01T08:26:00.000Z',
    }));
    written.set(streamId, expectedVersion + events.length);
    const correlationId = randomUUID();
    return {
      writes: [{ streamId, expectedVersion, events }],
      metadata: { correlationId, causationId: correlationId, actor: 'spec', commandId: null, traceparent: null },
    };
  });
  expect(new Set((await store.append(requests)).map(({ outcome }) => outcome))).toEqual(new Set(['appended']));
  notifier.notify();
}

const everythingArrived = (deadlineMs: number): Promise<unknown> =>
  waitFor(() => STREAMS.every((stream) => new Set(arrived.get(stream)).size === written.get(stream)), { deadlineMs, what: 'every event' });

it('one relay stands still, goes on, and dies: nothing is lost and nothing is reordered', async () => {
  await write();
  await everythingArrived(10_000);
  relay.start();
  await waitFor(() => relay.health().shards.length === 8, { what: 'a fair share' });
  await write();
  await everythingArrived(5_000);

  // Standing still: its locks fall when the server has not heard of it for six seconds.
  await stack.kill('relay', 'SIGSTOP');
  await write();
  await everythingArrived(12_000);
  expect(relay.health().shards).toHaveLength(16);
  await stack.kill('relay', 'SIGCONT');
  await waitFor(() => relay.health().shards.length === 8, { what: 'a fair share again' });
  await write();
  await everythingArrived(5_000);

  // Dead: the server notices at once.
  await Promise.all([write(), stack.kill('relay', 'SIGKILL')]);
  await write();
  await everythingArrived(4_000);

  for (const stream of STREAMS) {
    const first = [...new Set(arrived.get(stream))];
    expect(first, stream).toEqual(Array.from({ length: written.get(stream) ?? 0 }, (_, n) => n + 1));
  }
  await waitFor(async () => (await pool.query('SELECT FROM tidemark.outbox LIMIT 1')).rowCount === 0, { what: 'the outbox to be empty' });
}, 60_000);
