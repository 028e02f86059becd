// Proves that a join which failed half-way is tried again before anything is fetched: against a real broker, whose answer to SyncGroup
// is lost, and against kafkajs's own consumer group, whatever the request that failed.
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { Kafka, logLevel } from 'kafkajs';
import { describe, expect, inject, it } from 'vitest';

import { Line, uniqueTopicPrefix, waitFor } from '../../../test/harness/index.js';
import type { ConsumerOptions } from '../broker.js';
import { encode } from '../cloud-events.codec.js';
import { recordingLogger, sampleEvent } from '../testing/samples.js';
import { BrokerNames, TOPICS } from '../topics.js';
import { retryFailedJoins } from './failed-join.patch.js';
import { CONSUMER_RETRY, KafkaJsBroker } from './kafkajs-broker.js';
import { KafkaJsConsumer } from './kafkajs-consumer.js';

const SYNC_GROUP = 14;
/** Each request: its length in four bytes, then which it is in two. */
const isSyncGroup = (request: Buffer): boolean => request.length >= 6 && request.readInt16BE(4) === SYNC_GROUP;

describe('a member whose answer to SyncGroup was lost', () => {
  it('reads what it was newly assigned', async () => {
    const prefix = uniqueTopicPrefix();
    const [broker = ''] = inject('kafkaBrokers');
    const [host = '', port = ''] = broker.split(':');
    const logger = recordingLogger();
    const direct = new KafkaJsBroker({ brokers: [broker], clientId: 'spec', logger, topicPrefix: prefix });
    const line = await Line.to({ host, port: Number(port) });
    const seen = new Set<string>();
    const options: ConsumerOptions = {
      groupId: randomUUID(),
      topics: [TOPICS.order],
      onFatal: (error) => {
        throw error;
      },
      onBatch: ({ messages }, control) => {
        for (const message of messages) {
          seen.add(String(message.key));
          control.processed(message);
        }
        return Promise.resolve('done');
      },
    };
    const consumer = new KafkaJsConsumer({
      ...options,
      names: new BrokerNames(prefix),
      logger,
      createConsumer: (config) =>
        new Kafka({
          brokers: [broker],
          clientId: 'spec',
          retry: CONSUMER_RETRY,
          logLevel: logLevel.NOTHING,
          socketFactory: ({ onConnect }) => connect({ host: '127.0.0.1', port: line.port }, onConnect),
        }).consumer({ ...config, retry: { ...CONSUMER_RETRY, ...config.retry } }),
    });
    const other = direct.createConsumer(options);
    const admin = direct.admin();
    const producer = await direct.createProducer();
    try {
      await admin.ensureTopics();
      await consumer.start();
      await other.start();
      await waitFor(() => consumer.state().assignedPartitions === 6 && other.state().assignedPartitions === 6, { what: 'a fair share' });

      const lost = line.loseTheAnswerTo(isSyncGroup);
      await other.stop();
      await lost;

      const orders = Array.from({ length: 60 }, () => `order-${randomUUID()}`);
      const verdicts = await producer.send(orders.map((id) => encode(sampleEvent(id, 1))));
      expect(verdicts.filter(({ outcome }) => outcome !== 'acknowledged')).toEqual([]);
      await waitFor(() => orders.every((id) => seen.has(id)), { what: 'an event of every partition' });
      expect(consumer.state()).toMatchObject({ joined: true, assignedPartitions: 12 });
      // As the member it was: nobody waited for a session to end.
      expect(logger.lines.filter(({ event }) => /crashed|connections-renewed/.test(String(event)))).toEqual([]);
    } finally {
      await consumer.stop();
      await other.stop();
      await producer.close();
      await admin.close();
      line.close();
    }
  }, 60_000);
});

interface ConsumerGroup {
  joinAndSync(): Promise<void>;
  fetch(nodeId: number): Promise<unknown[]>;
}

const require = createRequire(import.meta.url);

/** kafkajs's consumer group on a coordinator that does what `answers` say, over no partition at all. */
function groupOn(answers: { joinGroup(): Promise<object>; syncGroup(): Promise<object> }): ConsumerGroup {
  const Group = require('kafkajs/src/consumer/consumerGroup') as new (options: object) => ConsumerGroup;
  const silent = { info: () => undefined, warn: () => undefined, debug: () => undefined, namespace: (): object => silent };
  return new Group({
    logger: silent,
    instrumentationEmitter: { emit: () => undefined },
    cluster: {
      findGroupCoordinator: () => Promise.resolve(answers),
      refreshMetadataIfNecessary: () => Promise.resolve(),
      committedOffsets: () => ({}),
    },
    assigners: [],
    topics: [],
    topicConfigurations: {},
    maxWaitTimeInMs: 1,
    retry: { retries: 0 },
  });
}

describe('the patch', () => {
  const cut = (): Promise<never> => Promise.reject(new Error('Closed connection'));
  const joined = (): Promise<object> => Promise.resolve({ memberId: 'a', leaderId: 'b', generationId: 1, groupProtocol: 'x', members: [] });
  const synced = (): Promise<object> => Promise.resolve({ memberAssignment: Buffer.alloc(0) });

  it.each([
    ['JoinGroup', { joinGroup: cut, syncGroup: synced }],
    ['SyncGroup', { joinGroup: joined, syncGroup: cut }],
  ])('lets nothing be fetched after a failed %s until a join has worked', async (_request, broken) => {
    retryFailedJoins();
    const answers = { ...broken };
    const group = groupOn(answers);
    await expect(group.joinAndSync()).rejects.toThrow('Closed connection');
    await expect(group.fetch(1)).rejects.toMatchObject({ type: 'REBALANCE_IN_PROGRESS' });
    await expect(group.fetch(1)).rejects.toMatchObject({ type: 'REBALANCE_IN_PROGRESS' });
    Object.assign(answers, { joinGroup: joined, syncGroup: synced });
    await group.joinAndSync();
    await expect(group.fetch(1)).resolves.toEqual([]);
  });

  it('disturbs no fetch beside a join that is under way: with several brokers one fetcher may join while another works', async () => {
    retryFailedJoins();
    let answer: (answer: object) => void = () => undefined;
    const answers = { joinGroup: joined, syncGroup: synced };
    const group = groupOn(answers);
    await group.joinAndSync();
    answers.syncGroup = () => new Promise((resolve) => (answer = resolve));
    const joining = group.joinAndSync();
    await expect(group.fetch(1)).resolves.toEqual([]);
    answer(await synced());
    await joining;
    await expect(group.fetch(1)).resolves.toEqual([]);
  });

  it('is applied once', () => {
    const { prototype } = require('kafkajs/src/consumer/consumerGroup') as { prototype: ConsumerGroup };
    retryFailedJoins();
    const patched = prototype.fetch;
    retryFailedJoins();
    expect(prototype.fetch).toBe(patched);
  });
});
