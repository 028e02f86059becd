// Proves: a broker killed in mid-stream and started again costs nothing but time. The producer says what it could not send, the consumer
// comes back by itself within seconds, and every message arrives, in order.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { encode, KafkaJsBroker, TOPICS, type BatchConsumer, type BatchProducer, type EncodableEvent } from '#messaging';
import { afterAll, beforeAll, expect, it } from 'vitest';

import { startKafka, type RunningKafka } from '../../dev/kafka.js';
import { freePorts } from '../../dev/ports.js';
import { waitFor } from '../harness/index.js';

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const scratch = mkdtempSync(join(tmpdir(), 'tidemark-outage-'));
let start: () => Promise<RunningKafka>;
let kafka: RunningKafka;
let producer: BatchProducer;
let consumer: BatchConsumer | undefined;

beforeAll(async () => {
  const [port = 0, controllerPort = 0] = await freePorts(2);
  start = () => startKafka({ dataDir: join(scratch, 'kafka'), port, controllerPort, logFile: join(scratch, 'kafka.log') });
  kafka = await start();
});
afterAll(async () => {
  await consumer?.stop();
  await producer?.close();
  await kafka?.process.stop('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
});

const event = (streamId: string, version: number): EncodableEvent => ({
  id: randomUUID(),
  type: 'OrderConfirmed',
  schemaVersion: 1,
  streamId,
  version,
  data: {},
  occurredAt: '2010-12-01T08:26:00Z',
  recordedAt: '2010-12-01T08:26:00Z',
  correlationId: randomUUID(),
  causationId: randomUUID(),
  actor: 'spec',
  commandId: null,
  traceparent: null,
});

it('heals after kill -9 of the broker', async () => {
  const broker = new KafkaJsBroker({ brokers: [kafka.broker], clientId: 'spec', logger: silent });
  const admin = broker.admin();
  await admin.ensureTopics();
  await admin.close();
  producer = await broker.createProducer();
  const versions = new Map<string, number[]>();
  const fatal: Error[] = [];
  consumer = broker.createConsumer({
    groupId: 'outage',
    topics: [TOPICS.order],
    onFatal: (error) => void fatal.push(error),
    onBatch: async ({ messages }, control) => {
      for (const { key, headers } of messages) {
        const version = Number(String(headers['ce_streamversion']));
        const seen = versions.get(String(key)) ?? [];
        // Duplicates are normal here; they are what the version guard is for.
        if (!seen.includes(version)) versions.set(String(key), [...seen, version]);
      }
      control.processed(messages[messages.length - 1] as (typeof messages)[number]);
      return 'done';
    },
  });
  await consumer.start();

  const streams = Array.from({ length: 20 }, () => `order-${randomUUID()}`);
  let failures = 0;
  const sendRound = async (version: number): Promise<void> => {
    const messages = streams.map((id) => encode(event(id, version)));
    for (;;) {
      const verdicts = await producer.send(messages);
      if (verdicts.every(({ outcome }) => outcome === 'acknowledged')) return;
      expect(verdicts.every(({ outcome }) => outcome === 'failed')).toBe(true);
      failures += 1;
    }
  };
  for (let version = 1; version <= 10; version += 1) await sendRound(version);
  await waitFor(() => streams.every((id) => versions.get(id)?.length === 10), { what: 'the first ten rounds' });

  await kafka.process.stop('SIGKILL');
  const during = (async () => {
    for (let version = 11; version <= 20; version += 1) await sendRound(version);
  })();
  await waitFor(() => failures > 0, { what: 'a failed send' });
  await waitFor(() => consumer?.state().joined === false, { what: 'the consumer to notice' });
  kafka = await start();
  await during;
  await waitFor(() => streams.every((id) => versions.get(id)?.length === 20), { what: 'all rounds', deadlineMs: 30_000 });
  for (const id of streams) expect(versions.get(id)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  expect(fatal).toEqual([]);
  expect(consumer.state().joined).toBe(true);
}, 60_000);
