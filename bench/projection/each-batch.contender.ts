import { randomUUID } from 'node:crypto';
import { TOPICS } from '#messaging';
import { PROJECTED_CATEGORIES } from '#read-models';
import kafkajs from 'kafkajs';
import type { Contender } from '../harness/contender.js';
import type { LiveSettings } from './live-load.js';

const MEBIBYTE = 1_048_576;

/** The ceiling: kafkajs with the projector's settings reads the same backlog, parses it and does nothing with it. */
export async function open({ kafka, topicPrefix, events }: LiveSettings): Promise<Contender> {
  const client = new kafkajs.Kafka({ brokers: [kafka], clientId: 'bench', logLevel: kafkajs.logLevel.NOTHING });
  const topics = PROJECTED_CATEGORIES.map((category) => TOPICS[category].replace('tidemark', topicPrefix));
  return {
    round: async () => {
      const consumer = client.consumer({
        groupId: `raw-${randomUUID()}`,
        maxBytesPerPartition: 2 * MEBIBYTE,
        maxBytes: 16 * MEBIBYTE,
        maxWaitTimeInMs: 500,
      });
      let startedAt = Number.NaN;
      consumer.on(consumer.events.GROUP_JOIN, () => (startedAt = performance.now()));
      let seen = 0;
      await consumer.connect();
      await consumer.subscribe({ topics, fromBeginning: true });
      const seconds = await new Promise<number>((resolve, reject) => {
        consumer
          .run({
            autoCommit: false,
            partitionsConsumedConcurrently: 36,
            eachBatch: async ({ batch }) => {
              for (const { value, headers } of batch.messages) {
                JSON.parse(value!.toString());
                for (const name in headers) headers[name] = headers[name]!.toString();
              }
              seen += batch.messages.length;
              if (seen === events) resolve((performance.now() - startedAt) / 1_000);
            },
          })
          .catch(reject);
      });
      await consumer.disconnect();
      return { perSecond: events / seconds };
    },
    close: () => Promise.resolve(),
  };
}
