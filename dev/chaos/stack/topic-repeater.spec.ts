// Proves, on a real broker: a replay adds every record of its ranges once, in order; in a window every record comes one to five times.
import { randomUUID } from 'node:crypto';
import { expect, inject, it } from 'vitest';
import { encode, KafkaJsBroker, TOPICS, type OutgoingMessage } from '#messaging';
import { createLogger } from '#platform';
import { sampleEvent } from '../../../libs/messaging/testing/samples.js';
import { uniqueTopicPrefix, waitFor } from '../../../test/harness/index.js';
import { KafkaTopicRecords } from '../../verify/kafka-topic-records.js';
import { lastOf } from '../faults/repeat.faults.js';
import { TopicRepeater } from './topic-repeater.js';
import { POISON_MARK } from './topic-writer.js';

const topicPrefix = uniqueTopicPrefix();
const kafkaBrokers = inject('kafkaBrokers');
const broker = new KafkaJsBroker({
  brokers: kafkaBrokers,
  clientId: 'spec',
  logger: createLogger({ app: 'spec', level: 'fatal' }),
  topicPrefix,
});
const repeater = new TopicRepeater({ kafkaBrokers, topicPrefix });

const message = (streamId: string, version: number): OutgoingMessage => encode(sampleEvent(streamId, version, { id: randomUUID() }));

/** Versions of each stream on the topic, in the order of the topic. */
async function versions(): Promise<Record<string, number[]>> {
  const found: Record<string, number[]> = {};
  for await (const batch of new KafkaTopicRecords(broker).batches()) {
    for (const { streamId, version } of batch) (found[String(streamId)] ??= []).push(Number(version));
  }
  return found;
}

it('replays what lies on a topic, and repeats what comes', { timeout: 60_000 }, async () => {
  const admin = broker.admin();
  await admin.ensureTopics();
  const producer = await broker.createProducer();
  const send = async (...messages: OutgoingMessage[]): Promise<void> =>
    expect((await producer.send(messages)).filter(({ outcome }) => outcome !== 'acknowledged')).toEqual([]);
  const injected = message('order-b', 3);
  await send(message('order-a', 1), message('order-a', 2), message('order-a', 3), message('order-b', 1), message('order-b', 2));
  await send({ ...injected, headers: { ...injected.headers, [POISON_MARK]: '1' } });

  const endsOf = async (): Promise<Map<string, number>> =>
    new Map([...(await admin.endOffsets(TOPICS.order))].map(([partition, end]) => [`${TOPICS.order}/${partition}`, end]));
  expect(await repeater.republish(TOPICS.order, lastOf(TOPICS.order, await endsOf(), 1_000))).toBe(5);
  expect(await versions()).toEqual({ 'order-a': [1, 2, 3, 1, 2, 3], 'order-b': [1, 2, 3, 1, 2] });
  expect(await repeater.republish(TOPICS.order, lastOf(TOPICS.order, await endsOf(), 1))).toBe(2);
  expect(await versions()).toEqual({ 'order-a': [1, 2, 3, 1, 2, 3, 3], 'order-b': [1, 2, 3, 1, 2, 2] });

  const window = await repeater.repeat(TOPICS.order, () => 4);
  let version = 0;
  const sendNext = (): Promise<void> => send(message('order-c', (version += 1)));
  const timesOf = async (): Promise<number[]> => {
    const seen = (await versions())['order-c'] ?? [];
    return Array.from({ length: version }, (_, index) => seen.filter((each) => each === index + 1).length);
  };
  // Where the window begins is known only by what it has seen.
  await waitFor(async () => window.counts.records > 0 || void (await sendNext()), { what: 'the window' });
  await sendNext();
  await sendNext();
  await waitFor(async () => (await timesOf()).at(-1) === 5, { what: 'copies of the last' });
  await window.stop();
  const times = await timesOf();
  expect(times).toEqual([...times.filter((count) => count === 1), ...times.filter((count) => count === 5)]);
  expect(window.counts.copies).toBe(4 * window.counts.records);
  await producer.close();
  await admin.close();
});
