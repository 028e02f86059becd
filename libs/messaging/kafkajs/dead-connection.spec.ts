// Proves, against a real broker behind a line that can go dead: connections on which nothing comes back any more, and which nobody
// closes, do not keep a consumer from its work once new ones are answered.
import { randomUUID } from 'node:crypto';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Kafka, logLevel } from 'kafkajs';
import { afterEach, beforeEach, expect, inject, it } from 'vitest';

import { uniqueTopicPrefix, waitFor } from '../../../test/harness/index.js';
import { encode } from '../cloud-events.codec.js';
import { recordingLogger, sampleEvent } from '../testing/samples.js';
import { BrokerNames, TOPICS } from '../topics.js';
import { CONSUMER_RETRY, KafkaJsBroker } from './kafkajs-broker.js';
import { KafkaJsConsumer } from './kafkajs-consumer.js';

/** A line to the broker. `goDead`: what is connected stays connected, and no byte passes any more; what connects later is answered. */
class Line {
  private readonly ends = new Set<Socket>();
  private readonly server: Server;

  constructor(private readonly broker: { host: string; port: number }) {
    this.server = createServer((client) => {
      const upstream = connect(this.broker);
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.ends.add(from);
        from.on('error', () => undefined);
        from.on('close', () => to.destroy());
        from.pipe(to);
      }
    }).listen(0, '127.0.0.1');
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  goDead(): void {
    for (const end of this.ends) end.unpipe().pause();
  }

  close(): void {
    this.ends.forEach((end) => end.destroy());
    this.server.close();
  }
}

const prefix = uniqueTopicPrefix();
const brokers = inject('kafkaBrokers');
const logger = recordingLogger();
const direct = new KafkaJsBroker({ brokers, clientId: 'spec', logger, topicPrefix: prefix });
let line: Line;

beforeEach(() => {
  const [host = '', port = ''] = brokers[0]!.split(':');
  line = new Line({ host, port: Number(port) });
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
