// Proves, against a real broker behind a line that can go dead: connections on which nothing comes back any more, and which nobody
// closes, do not keep a consumer from its work once new ones are answered.
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';

import { Line, uniqueTopicPrefix, waitFor } from '../../../test/harness/index.js';
import { encode } from '../cloud-events.codec.js';
import { recordingLogger, sampleEvent } from '../testing/samples.js';
import { BrokerNames, TOPICS } from '../topics.js';
import { CONSUMER_RETRY, KafkaJsBroker } from './kafkajs-broker.js';
import { KafkaJsConsumer } from './kafkajs-consumer.js';

const prefix = uniqueTopicPrefix();
const brokers = inject('kafkaBrokers');
const logger = recordingLogger();
const direct = new KafkaJsBroker({ brokers, clientId: 'spec', logger, topicPrefix: prefix });
let line: Line;

beforeEach(async () => {
  const [host = '', port = ''] = brokers[0]!.split(':');
  line = await Line.to({ host, port: Number(port) });
});
afterEach(() => line.close());

function consumerOverTheLine(seen: string[], requestTimeout: number): KafkaJsConsumer {
  return new KafkaJsConsumer({
    groupId: randomUUID(),
    topics: [TOPICS.order],
    names: new BrokerNames(prefix),
    logger,
    onFatal: (error) => {
      throw error;
    },
    onBatch: ({ messages }, control) => {
      for (const message of messages) {
        seen.push(String(message.key));
        control.processed(message);
      }
      return Promise.resolve('done');
    },
    createConsumer: (config) =>
      new Kafka({
        brokers: [...brokers],
        clientId: 'spec',
        requestTimeout,
        retry: CONSUMER_RETRY,
        logLevel: logLevel.NOTHING,
        socketFactory: ({ onConnect }) => connect({ host: '127.0.0.1', port: line.port }, onConnect),
      }).consumer({ ...config, retry: { ...CONSUMER_RETRY, ...config.retry } }),
  });
}

it('is given up for new connections, and the consumer goes on where it stood', async () => {
  const admin = direct.admin();
  const producer = await direct.createProducer();
  const seen: string[] = [];
  const consumer = consumerOverTheLine(seen, 2_000);
  try {
    await admin.ensureTopics();
    await consumer.start();
    const send = async (id: string): Promise<string> => {
      const [verdict] = await producer.send([encode(sampleEvent(id, 1))]);
      expect(verdict?.outcome).toBe('acknowledged');
      return id;
    };
    const before = await send(`order-${randomUUID()}`);
    await waitFor(() => seen.includes(before), { what: 'an event before' });

    line.goDead();
    const after = await send(`order-${randomUUID()}`);
    await waitFor(() => seen.includes(after), { what: 'an event sent while the line was dead', deadlineMs: 40_000 });
    // Nobody of the old membership comes back and takes partitions away.
    await sleep(3_000);
    expect(consumer.state()).toMatchObject({ joined: true, assignedPartitions: 12 });
    expect(seen.filter((id) => id === before)).toHaveLength(1);
  } finally {
    await consumer.stop();
    await producer.close();
    await admin.close();
  }
}, 90_000);
