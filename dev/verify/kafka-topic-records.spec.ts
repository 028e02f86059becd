/** Proves that the topics are read from a real broker to their end, every record of every partition once, and nothing is left behind. */
import { randomUUID } from 'node:crypto';
import { expect, inject, it } from 'vitest';
import { KafkaJsBroker, encode, type Broker, type BrokerAdmin } from '#messaging';
import { createLogger } from '#platform';
import { sampleEvent } from '../../libs/messaging/testing/samples.js';
import { uniqueTopicPrefix } from '../../test/harness/index.js';
import { KafkaTopicRecords } from './kafka-topic-records.js';
import { readTopics } from './published-events.check.js';

const broker = new KafkaJsBroker({
  brokers: inject('kafkaBrokers'),
  clientId: 'spec',
  logger: createLogger({ app: 'spec', level: 'fatal' }),
  topicPrefix: uniqueTopicPrefix(),
});

const event = (streamId: string, version: number) => sampleEvent(streamId, version, { id: randomUUID(), data: { version } });

it('reads nothing from empty topics, then everything that is there', async () => {
  const admin = broker.admin();
  await admin.ensureTopics();
  expect((await readTopics(new KafkaTopicRecords(broker))).records).toBe(0);

  const producer = await broker.createProducer();
  const events = ['order-a', 'order-b', 'stock-MUG', 'payment-a', 'fulfilment-a'].flatMap((stream) =>
    Array.from({ length: 300 }, (_, index) => event(stream, index + 1)),
  );
  const messages = [...events, events[0]!].map((each) => encode(each));
  const garbage = { topic: 'tidemark.order', key: 'order-b', value: Buffer.from('?'), headers: {} };
  const verdicts = await producer.send([...messages, garbage]);
  expect(verdicts.filter(({ outcome }) => outcome !== 'acknowledged')).toEqual([]);

  const published = await readTopics(new KafkaTopicRecords(broker));
  expect([published.records, published.duplicates, published.disorder.count]).toEqual([1_502, 1, 0]);
  expect(published.strange.kept).toEqual([expect.stringMatching(/^tidemark\.order\/\d+@\d+ is no event of ours$/)]);
  expect(events.filter(({ streamId, version, id }) => published.idOf(streamId, version) !== id)).toEqual([]);
  expect(published.versionsOf('stock-MUG')).toEqual({ upTo: 300, beyond: [] });
  await Promise.all([producer.close(), admin.close()]);
});

it('gives a record once, also when the group starts over before what was committed', async () => {
  const deliveries = [
    [0, 1, 2],
    [0, 1, 2, 3],
    [3, 4],
  ];
  const message = { topic: 'tidemark.order', partition: 0, key: null, value: null, headers: {} };
  const restless: Broker = {
    createProducer: () => broker.createProducer(),
    admin: () => ({
      ...({} as BrokerAdmin),
      endOffsets: async (topic) => new Map(topic === 'tidemark.order' ? [[0, 5]] : []),
      deleteGroup: async () => undefined,
      close: async () => undefined,
    }),
    createConsumer: ({ onBatch }) => ({
      start: async () => {
        const deliver = async (): Promise<void> => {
          for (const offsets of deliveries) {
            const messages = offsets.map((offset) => ({ ...message, offset: String(offset) }));
            await onBatch(
              { ...message, messages, highWatermark: '5' },
              { processed: () => undefined, signal: new AbortController().signal },
            );
          }
        };
        void deliver();
      },
      stop: async () => undefined,
      state: () => ({ joined: true, assignedPartitions: 1, lastFetchAt: null }),
    }),
  };
  const given: string[] = [];
  for await (const records of new KafkaTopicRecords(restless).batches()) given.push(...records.map(({ offset }) => offset));
  expect(given).toEqual(['0', '1', '2', '3', '4']);
});
