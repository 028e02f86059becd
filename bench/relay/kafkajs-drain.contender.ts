import { encode } from '#messaging';
import kafkajs, { type Message, type TopicMessages } from 'kafkajs';
import pg from 'pg';
import type { Contender } from '../harness/contender.js';
import type { DrainLoad, DrainSettings } from './drain-load.js';

const { Kafka, logLevel, Partitioners } = kafkajs;

/** Of 1,000, 2,000, 5,000 and 10,000 a request that which gave the highest rate. */
const BATCH = 5_000;

/** The ceiling: as many messages of the same kind, made beforehand, and nothing but their sending. One request at a time, as idempotence of kafkajs needs it. */
export async function open({ databaseUrl, broker, topicPrefix }: DrainSettings): Promise<Contender<DrainLoad>> {
  const producer = new Kafka({ brokers: [broker], clientId: 'raw', logLevel: logLevel.NOTHING }).producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  const batch = await messages(databaseUrl, topicPrefix);
  return {
    round: async ({ events }) => {
      const startedAt = performance.now();
      for (let sent = 0; sent < events; sent += BATCH) await producer.sendBatch({ acks: -1, topicMessages: batch });
      return { perSecond: events / ((performance.now() - startedAt) / 1_000) };
    },
    close: () => producer.disconnect(),
  };
}

/** One request's worth, sent again and again. */
async function messages(databaseUrl: string, topicPrefix: string): Promise<TopicMessages[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query(
    `SELECT event_id AS id, type, schema_version AS "schemaVersion", stream_id AS "streamId", version, data::text AS data,
       occurred_at::text AS "occurredAt", recorded_at::text AS "recordedAt", correlation_id AS "correlationId", causation_id AS "causationId",
       actor, command_id AS "commandId", traceparent
     FROM tidemark.events ORDER BY position LIMIT ${BATCH}`,
  );
  await client.end();
  const byTopic = new Map<string, Message[]>();
  for (const row of rows) {
    const { topic, key, value, headers } = encode(row);
    const own = topic.replace('tidemark', topicPrefix);
    byTopic.set(own, [...(byTopic.get(own) ?? []), { key, value, headers } as Message]);
  }
  return [...byTopic].map(([topic, list]) => ({ topic, messages: list }));
}
