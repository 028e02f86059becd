// Proves, against a real broker: order and keys, what is rejected and what that holds back, recovery from fatal producer errors,
// pausing for a later try, and that consumers joining and leaving lose nothing.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import kafkajs, { type Producer } from 'kafkajs';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';

import { uniqueTopicPrefix, waitFor } from '../../../test/harness/index.js';
import type { BatchConsumer, BatchProducer, BrokerAdmin, ConsumerOptions } from '../broker.js';
import { encode } from '../cloud-events.codec.js';
import type { IncomingMessage, OutgoingMessage } from '../event-message.js';
import { recordingLogger, sampleEvent } from '../testing/samples.js';
import { BrokerNames, DEAD_LETTER_TOPIC, TOPICS } from '../topics.js';
import { KafkaJsBroker } from './kafkajs-broker.js';
import { KafkaJsProducer } from './kafkajs-producer.js';

const logger = recordingLogger();
const topicPrefix = uniqueTopicPrefix();
const broker = new KafkaJsBroker({ brokers: inject('kafkaBrokers'), clientId: 'spec', logger, topicPrefix });
let admin: BrokerAdmin;
let producer: BatchProducer;
const consumers: BatchConsumer[] = [];

beforeAll(async () => {
  admin = broker.admin();
  await admin.ensureTopics();
  producer = await broker.createProducer();
});
afterEach(async () => {
  await Promise.all(consumers.splice(0).map((consumer) => consumer.stop()));
});
afterAll(async () => {
  await producer?.close();
  await admin?.close();
});

const stream = (): string => `order-${randomUUID()}`;
const messagesOf = (streamId: string, count: number): OutgoingMessage[] =>
  Array.from({ length: count }, (_, index) => encode(sampleEvent(streamId, index + 1)));

/** A consumer that keeps what it gets; starts at the beginning, so it also sees what other specs sent. */
async function collect(options: Partial<ConsumerOptions> = {}): Promise<{ seen: IncomingMessage[]; consumer: BatchConsumer }> {
  const seen: IncomingMessage[] = [];
  const consumer = broker.createConsumer({
    groupId: randomUUID(),
    topics: [TOPICS.order],
    onFatal: (error) => {
      throw error;
    },
    onBatch: async (batch, control) => {
      for (const message of batch.messages) {
        seen.push(message);
        control.processed(message);
      }
      return 'done';
    },
    ...options,
  });
  consumers.push(consumer);
  await consumer.start();
  return { seen, consumer };
}

const versionsOf = (seen: readonly IncomingMessage[], streamId: string): number[] =>
  seen.filter(({ key }) => key?.toString() === streamId).map(({ headers }) => Number(String(headers['ce_streamversion'])));

describe('admin', () => {
  it('creates the topics once, with twelve partitions', async () => {
    await admin.ensureTopics();
    for (const topic of [...Object.values(TOPICS), DEAD_LETTER_TOPIC]) expect((await admin.endOffsets(topic)).size).toBe(12);
  });

  it('tells end offsets and the lag of a group, and moves a group', async () => {
    const before = await admin.endOffsets(TOPICS.stock);
    const verdicts = await producer.send(Array.from({ length: 20 }, (_, index) => encode(sampleEvent(`stock-${index}`, 1))));
    expect(verdicts.every(({ outcome }) => outcome === 'acknowledged')).toBe(true);
    const after = await admin.endOffsets(TOPICS.stock);
    expect(sum(after.values()) - sum(before.values())).toBe(20);

    const groupId = randomUUID();
    const lagOf = async (): Promise<number> => sum((await admin.groupLag(groupId, [TOPICS.stock])).map(({ lag }) => lag));
    expect(await lagOf()).toBe(sum(after.values()));
    const { consumer } = await collect({ groupId, topics: [TOPICS.stock] });
    await waitFor(async () => (await lagOf()) === 0, { what: 'the lag to vanish' });
    await consumer.stop();

    await admin.setGroupOffsets(groupId, TOPICS.stock, new Map([...after.keys()].map((partition) => [partition, 0])));
    expect(await lagOf()).toBe(sum(after.values()));
    await collect({ groupId, topics: [TOPICS.stock] });
    await expect(admin.setGroupOffsets(groupId, TOPICS.stock, new Map([[0, 0]]))).rejects.toThrow('running members');
  });
});

describe('producer', () => {
  it('keeps the order of each key, in one partition, over many concurrent sends', async () => {
    const streams = Array.from({ length: 30 }, stream);
    const rounds = Array.from({ length: 8 }, (_, round) => streams.map((id) => encode(sampleEvent(id, round + 1))));
    const verdicts = await Promise.all(rounds.map((messages) => producer.send(messages)));
    expect(verdicts.flat().every(({ outcome }) => outcome === 'acknowledged')).toBe(true);

    const { seen } = await collect();
    const ours = new Set(streams);
    await waitFor(() => seen.filter(({ key }) => ours.has(String(key))).length >= 240, { what: 'all messages' });
    for (const id of streams) {
      expect(versionsOf(seen, id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      expect(new Set(seen.filter(({ key }) => String(key) === id).map(({ partition }) => partition)).size).toBe(1);
    }
  });

  it('rejects 10 MB without asking, holds back only what follows of that key, and sends the rest', async () => {
    const [poisoned, other] = [stream(), stream()];
    const huge = encode(sampleEvent(poisoned, 2, { data: { text: 'x'.repeat(10_000_000) } }));
    const outcomes = await producer.send([...messagesOf(poisoned, 1), huge, encode(sampleEvent(poisoned, 3)), ...messagesOf(other, 2)]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['acknowledged', 'rejected', 'held-back', 'acknowledged', 'acknowledged']);
    expect(outcomes[1]).toMatchObject({ code: 'too-large' });
  });

  it('sends what a topic with a raised limit takes, larger than a fetch of a partition asks for, and it is consumed', async () => {
    const kafka = new kafkajs.Kafka({ brokers: inject('kafkaBrokers'), clientId: 'spec', logLevel: kafkajs.logLevel.NOTHING });
    const kafkaAdmin = kafka.admin();
    await kafkaAdmin.connect();
    await kafkaAdmin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: new BrokerNames(topicPrefix).toBroker(TOPICS.stock),
          configEntries: [{ name: 'max.message.bytes', value: '4000000' }],
        },
      ],
    });
    await kafkaAdmin.disconnect();
    const raised = await broker.createProducer({ maxMessageBytes: 3_500_000 });
    const streamId = `stock-${randomUUID()}`;
    const events = ['x'.repeat(3_000_000), 'small'].map((text, index) => sampleEvent(streamId, index + 1, { data: { text } }));
    const outcomes = await raised.send(events.map((event) => encode(event)));
    await raised.close();
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['acknowledged', 'acknowledged']);
    const { seen } = await collect({ topics: [TOPICS.stock] });
    const own = () => seen.filter(({ key }) => String(key) === streamId).map(({ value }) => value!.length > 1_000_000);
    await waitFor(() => own().length === 2, { what: 'both' });
    expect(own()).toEqual([true, false]);
  });

  it('finds the records the broker refuses, and sends the others in order', async () => {
    // Believes the broker takes more than it does.
    const bold = await broker.createProducer({ maxMessageBytes: 20_000_000 });
    const [poisoned, other] = [stream(), stream()];
    const huge = encode(sampleEvent(poisoned, 2, { data: { text: 'x'.repeat(3_000_000) } }));
    const messages = [
      ...messagesOf(other, 3),
      ...messagesOf(poisoned, 1),
      huge,
      encode(sampleEvent(poisoned, 3)),
      encode(sampleEvent(other, 4)),
    ];
    const outcomes = await bold.send(messages);
    await bold.close();
    const expected = ['acknowledged', 'acknowledged', 'acknowledged', 'acknowledged', 'rejected', 'held-back', 'acknowledged'];
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(expected);

    const { seen } = await collect();
    // The two may lie in different partitions.
    await waitFor(() => versionsOf(seen, other).includes(4) && versionsOf(seen, poisoned).includes(1), { what: 'the last messages' });
    expect([...new Set(versionsOf(seen, other))]).toEqual([1, 2, 3, 4]);
    expect([...new Set(versionsOf(seen, poisoned))]).toEqual([1]);
  });

  it('sends more than one request may hold, in order', async () => {
    const id = stream();
    const messages = Array.from({ length: 12 }, (_, index) => encode(sampleEvent(id, index + 1, { data: { text: 'y'.repeat(300_000) } })));
    expect((await producer.send(messages)).every(({ outcome }) => outcome === 'acknowledged')).toBe(true);
    const { seen } = await collect();
    await waitFor(() => versionsOf(seen, id).length >= 12, { what: 'all messages' });
    expect(versionsOf(seen, id)).toEqual(messages.map((_, index) => index + 1));
  });

  it('makes a new producer after a fatal error and loses nothing', async () => {
    let created = 0;
    const injured = new KafkaJsProducer({
      names: new BrokerNames(topicPrefix),
      logger,
      maxMessageBytes: 1_000_000,
      createProducer: () => {
        created += 1;
        return breaking(newProducer(), created === 1 ? 'OUT_OF_ORDER_SEQUENCE_NUMBER' : undefined);
      },
    });
    const id = stream();
    expect(await injured.send(messagesOf(id, 1))).toEqual([{ outcome: 'acknowledged' }]);
    const next = [encode(sampleEvent(id, 2)), encode(sampleEvent(id, 3))];
    expect((await injured.send(next)).map(({ outcome }) => outcome)).toEqual(['failed', 'failed']);
    expect(injured.connected).toBe(false);
    expect((await injured.send(next)).map(({ outcome }) => outcome)).toEqual(['acknowledged', 'acknowledged']);
    expect(created).toBe(2);
    await injured.close();

    const { seen } = await collect();
    await waitFor(() => versionsOf(seen, id).length >= 3, { what: 'all messages' });
    expect(versionsOf(seen, id)).toEqual([1, 2, 3]);
  });

  it('answers with failed verdicts while the broker is away', async () => {
    const nowhere = new KafkaJsBroker({ brokers: ['127.0.0.1:1'], clientId: 'spec', logger, topicPrefix });
    const lost = await nowhere.createProducer();
    const [verdict] = await lost.send(messagesOf(stream(), 1));
    expect(verdict?.outcome).toBe('failed');
    await lost.close();
    await expect(lost.send([])).rejects.toThrow('closed');
  });
});

describe('consumer', () => {
  it('delivers again from the first unprocessed message after the time asked for, while other partitions go on', async () => {
    const tries: { partition: number; offset: string; at: number }[] = [];
    const groupId = randomUUID();
    let stuck: number | undefined;
    await producer.send(Array.from({ length: 60 }, () => encode(sampleEvent(`payment-${randomUUID()}`, 1))));
    const done = new Set<number>();
    await collect({
      groupId,
      topics: [TOPICS.payment],
      onBatch: async ({ partition, messages }, control) => {
        stuck ??= partition;
        if (partition === stuck && tries.length < 3) {
          tries.push({ partition, offset: (messages[0] as IncomingMessage).offset, at: performance.now() });
          return { retryInMs: 200 };
        }
        done.add(partition);
        control.processed(messages.at(-1) as IncomingMessage);
        return 'done';
      },
    });
    await waitFor(() => stuck !== undefined && done.has(stuck), { what: 'the stuck partition' });
    expect(tries.map(({ offset }) => offset)).toEqual(['0', '0', '0']);
    expect((tries[2]?.at ?? 0) - (tries[0]?.at ?? 0)).toBeGreaterThanOrEqual(399);
    expect(done.size).toBeGreaterThan(6);
    await waitFor(async () => (await admin.groupLag(groupId, [TOPICS.payment])).every(({ lag }) => lag === 0), { what: 'the commit' });
  });

  it('survives a TypeError of its callback', async () => {
    await producer.send(Array.from({ length: 5 }, () => encode(sampleEvent(`stock-${randomUUID()}`, 1))));
    const expected = sum((await admin.endOffsets(TOPICS.stock)).values());
    let calls = 0;
    let delivered = 0;
    await collect({
      topics: [TOPICS.stock],
      onBatch: async ({ messages }, control) => {
        calls += 1;
        if (calls === 1) throw new TypeError('cannot read properties of undefined');
        delivered += messages.length;
        control.processed(messages.at(-1) as IncomingMessage);
        return 'done';
      },
    });
    await waitFor(() => delivered === expected, { what: 'everything' });
    expect(
      logger.lines.some(({ event, detail }) => event === 'kafka.consumer.batch-failed' && String(detail).includes('cannot read')),
    ).toBe(true);
  });

  it('loses nothing when a second consumer joins and the first leaves in mid-stream', async () => {
    const groupId = randomUUID();
    const seen = new Map<string, number>();
    const firstVersions = new Map<string, number[]>();
    const onBatch: ConsumerOptions['onBatch'] = async ({ messages }, control) => {
      for (const message of messages) {
        const key = `${message.partition}@${message.offset}`;
        if (!seen.has(key)) {
          const id = String(message.key);
          firstVersions.set(id, [...(firstVersions.get(id) ?? []), Number(String(message.headers['ce_streamversion']))]);
        }
        seen.set(key, (seen.get(key) ?? 0) + 1);
        await new Promise((resolve) => setImmediate(resolve));
        control.processed(message);
      }
      return 'done';
    };
    const streams = Array.from({ length: 60 }, () => `fulfilment-${randomUUID()}`);
    const first = await collect({ groupId, topics: [TOPICS.fulfilment], onBatch });
    let second: { consumer: BatchConsumer } | undefined;
    for (let round = 1; round <= 30; round += 1) {
      await producer.send(streams.map((id) => encode(sampleEvent(id, round))));
      if (round === 8) second = await collect({ groupId, topics: [TOPICS.fulfilment], onBatch });
      if (round === 20) await first.consumer.stop();
    }
    await waitFor(() => seen.size >= 1_800, { what: 'all messages', deadlineMs: 25_000 });
    expect(seen.size).toBe(1_800);
    for (const id of streams) expect(firstVersions.get(id)).toEqual(Array.from({ length: 30 }, (_, index) => index + 1));
    expect(second?.consumer.state().assignedPartitions).toBe(12);
  });

  it('keeps its membership while a handler takes longer than the session', async () => {
    const sessionTimeoutMs = 6_000;
    const handled: number[] = [];
    let assigned = 0;
    await producer.send([encode(sampleEvent(`payment-${randomUUID()}`, 1))]);
    const groupId = randomUUID();
    const startedAt = performance.now();
    await collect({
      groupId,
      sessionTimeoutMs,
      topics: [TOPICS.payment],
      onAssigned: () => Promise.resolve(void (assigned += 1)),
      onBatch: async ({ partition, messages }, control) => {
        handled.push(partition);
        if (handled.length === 1) await waitFor(() => performance.now() - startedAt > sessionTimeoutMs + 1_500);
        control.processed(messages.at(-1) as IncomingMessage);
        return 'done';
      },
    });
    await waitFor(async () => (await admin.groupLag(groupId, [TOPICS.payment])).every(({ lag }) => lag === 0), { what: 'the commit' });
    expect(assigned).toBe(1);
    expect(new Set(handled).size).toBe(handled.length);
  });

  it('leaves soon, and the next one goes on where it stood', async () => {
    const groupId = randomUUID();
    const { seen, consumer } = await collect({ groupId });
    const end = sum((await admin.endOffsets(TOPICS.order)).values());
    await waitFor(() => seen.length >= end, { what: 'everything' });
    const startedAt = performance.now();
    await consumer.stop();
    expect(performance.now() - startedAt).toBeLessThan(6_000);

    const again = await collect({ groupId });
    const id = stream();
    await producer.send(messagesOf(id, 1));
    await waitFor(() => versionsOf(again.seen, id).length === 1, { what: 'the new message' });
    expect(again.seen).toHaveLength(1);
  });

  it('leaves nothing behind in the group when it is stopped while it joins', async () => {
    const groupId = randomUUID();
    const { consumer: stays } = await collect({ groupId });
    for (const afterMs of [20, 150, 600]) {
      const leaves = broker.createConsumer({
        groupId,
        topics: [TOPICS.order],
        onFatal: () => undefined,
        onBatch: () => Promise.resolve('done'),
      });
      void leaves.start();
      await sleep(afterMs);
      await leaves.stop();
      await waitFor(() => stays.state().assignedPartitions === 12, { what: `one member again, stopped after ${afterMs} ms` });
    }
    expect(await membersOf(groupId)).toBe(1);
    await sleep(1_500);
    expect(stays.state().assignedPartitions).toBe(12);
  });
});

async function membersOf(groupId: string): Promise<number> {
  const client = new kafkajs.Kafka({ brokers: inject('kafkaBrokers'), clientId: 'spec', logLevel: kafkajs.logLevel.NOTHING }).admin();
  await client.connect();
  try {
    const { groups } = await client.describeGroups([new BrokerNames(topicPrefix).group(groupId)]);
    return groups[0]?.members.length ?? 0;
  } finally {
    await client.disconnect();
  }
}

const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

function newProducer(): Producer {
  const { Kafka, logLevel, Partitioners } = kafkajs;
  const kafka = new Kafka({ brokers: inject('kafkaBrokers'), clientId: 'spec', logLevel: logLevel.NOTHING });
  return kafka.producer({ idempotent: true, maxInFlightRequests: 1, createPartitioner: Partitioners.DefaultPartitioner });
}

/** Fails its second send the way a broker does that lost track of the producer. */
function breaking(real: Producer, type: string | undefined): Producer {
  let sends = 0;
  const sendBatch: Producer['sendBatch'] = async (batch) => {
    sends += 1;
    if (type !== undefined && sends === 2) throw Object.assign(new Error('injected'), { type, retriable: false });
    return real.sendBatch(batch);
  };
  return { ...real, sendBatch };
}
