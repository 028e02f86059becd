// Proves, without a broker, what the order of a key rests on: one request outstanding however many call at once, and no producer that
// has failed is used again.
import type { Producer, ProducerBatch } from 'kafkajs';
import { expect, it } from 'vitest';

import { encode } from '../cloud-events.codec.js';
import { recordingLogger, sampleEvent } from '../testing/samples.js';
import { BrokerNames } from '../topics.js';
import { KafkaJsProducer } from './kafkajs-producer.js';

/** A broker in memory behind kafkajs's producer; a send takes a turn of the event loop. */
function setUp(failing: (request: number) => Error | undefined = () => undefined) {
  const requests: string[][] = [];
  const seen = { outstanding: 0, most: 0, producers: 0, usedAfterFailure: false };
  const createProducer = (): Producer => {
    seen.producers += 1;
    let broken = false;
    const sendBatch = async ({ topicMessages = [] }: ProducerBatch): Promise<[]> => {
      seen.usedAfterFailure ||= broken;
      seen.outstanding += 1;
      seen.most = Math.max(seen.most, seen.outstanding);
      await new Promise(setImmediate);
      seen.outstanding -= 1;
      const failure = failing(requests.length);
      requests.push(topicMessages.flatMap(({ messages }) => messages.map(({ headers }) => String(headers?.['ce_streamversion']))));
      if (failure === undefined) return [];
      broken = true;
      throw failure;
    };
    const nothing = (): Promise<void> => Promise.resolve();
    return { connect: nothing, disconnect: nothing, sendBatch } as unknown as Producer;
  };
  const logger = recordingLogger();
  const producer = new KafkaJsProducer({ names: new BrokerNames('spec'), logger, maxMessageBytes: 1_000_000, createProducer });
  return { producer, requests, seen };
}

const messages = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => encode(sampleEvent('order-a', from + n)));

it('has one request outstanding, in the order of the calls, however many call at once', async () => {
  const { producer, requests, seen } = setUp();
  await Promise.all([producer.send(messages(1, 2)), producer.send(messages(3, 3)), producer.send(messages(4, 5))]);
  expect(requests).toEqual([['1', '2'], ['3'], ['4', '5']]);
  expect(seen).toMatchObject({ most: 1, producers: 1 });
});

it('throws a producer away that has failed, whatever of', async () => {
  const { producer, requests, seen } = setUp((request) => (request === 0 ? new Error('socket closed') : undefined));
  expect((await producer.send(messages(1, 2))).map(({ outcome }) => outcome)).toEqual(['failed', 'failed']);
  expect((await producer.send(messages(1, 2))).map(({ outcome }) => outcome)).toEqual(['acknowledged', 'acknowledged']);
  expect(requests).toEqual([
    ['1', '2'],
    ['1', '2'],
  ]);
  expect(seen).toMatchObject({ producers: 2, usedAfterFailure: false });
});
