import { upcasters } from '#domain';
import { EventReader, Upcasters } from '#event-store/read';
import { CloudEventsCodec, KafkaJsBroker, topicOf, TOPICS } from '#messaging';
import pg from 'pg';
import { setTimeout as delay } from 'node:timers/promises';
import { messageDigest } from '../history/message-digest.js';
import { instancesOf } from '../stack/instance.js';
import { GROUPS } from '../stack/stack-watch.js';
import { TopicWriter, type EventTopic } from '../stack/topic-writer.js';
import type { FaultKind } from './fault.js';
import { POISON_KINDS, poisonOf } from './poison.js';

/** Every reader of the topics. */
export const CONSUMERS = {
  instances: [...instancesOf('orchestrator'), ...instancesOf('projector')],
  stages: ['fulfilment', 'projection'],
} as const;
/** A broker that is away at the same moment would leave it open what was written. */
export const occupiesTopics = (target: string): string[] => [target, 'kafka', 'topics'];
const LATE_ORDERS = 100;

/** Events of orders that have ended, all published before, once more and from the last to the first. */
const lateEvents: FaultKind = {
  kind: 'late events of ended orders',
  targets: [TOPICS.order],
  holdMs: [0, 0],
  occupies: occupiesTopics,
  async inject({ stack, watch, random }) {
    const ended = await watch.rows<{ id: string }>(
      `SELECT o.stream_id AS id FROM tidemark.streams o
       WHERE o.stream_id LIKE 'order-%' AND o.version > 1
         AND NOT EXISTS (SELECT 1 FROM tidemark.outbox x WHERE x.stream_id = o.stream_id)
       ORDER BY md5(o.stream_id || $1) LIMIT ${LATE_ORDERS}`,
      [String(random.between(0, 1_000_000))],
    );
    const pool = new pg.Pool({ connectionString: stack.databaseUrl, max: 1, application_name: 'tidemark-chaos' });
    pool.on('error', () => undefined);
    try {
      const reader = new EventReader({ pool, upcasters: new Upcasters(upcasters) });
      const codec = new CloudEventsCodec();
      const events = [...(await reader.readMany(ended.map(({ id }) => ({ streamId: id, afterVersion: 0 })))).values()].flat();
      const messages = events.toReversed().map((event) => {
        const { key, value, headers } = codec.encode(event);
        return { key, value, headers: headers as Record<string, string> };
      });
      await new TopicWriter(stack).sendAll(topicOf(ended[0]?.id ?? 'order-0') as EventTopic, messages);
      return { hit: CONSUMERS, note: `${messages.length} events of ${ended.length} orders` };
    } finally {
      await pool.end();
    }
  },
};

/** Records that can never be applied, in the middle of the others. */
const poison: FaultKind = {
  kind: 'poison',
  targets: POISON_KINDS,
  holdMs: [0, 0],
  weight: 4,
  occupies: occupiesTopics,
  async inject({ stack, target, random, recordPoison }) {
    const { what, topic, streamId, message } = poisonOf(target, random);
    const { partition, offset } = await new TopicWriter(stack).send(topic, message);
    recordPoison({ kind: 'poison', at: Date.now(), topic, partition, offset, streamId, what, sha256: messageDigest(message) });
    return { hit: CONSUMERS };
  },
};

/** Somebody joins the group, takes partitions, does nothing with them and leaves; every two seconds. */
const joiners: FaultKind = {
  kind: 'consumers join and leave',
  targets: ['projector', 'orchestrator'],
  holdMs: [6_000, 12_000],
  occupies: (target) => [`${target} group`],
  async inject({ stack, target, signal }) {
    const group = target as keyof typeof GROUPS;
    const { kafkaBrokers: brokers, topicPrefix, logger } = stack;
    const broker = new KafkaJsBroker({ brokers, clientId: 'chaos-joiner', topicPrefix, logger });
    const over = new AbortController();
    const joining = (async () => {
      while (!over.signal.aborted && !signal.aborted) {
        const consumer = broker.createConsumer({
          groupId: group,
          topics: GROUPS[group],
          onBatch: async () => ({ retryInMs: 500 }),
          onFatal: () => undefined,
        });
        const started = consumer.start();
        await delay(2_000);
        await consumer.stop();
        // Ended before it had joined, as some are meant to be.
        await started.catch(() => undefined);
        await delay(500);
      }
    })();
    joining.catch(() => undefined);
    return {
      heal: async () => {
        over.abort();
        await joining;
      },
      hit: CONSUMERS,
    };
  },
};

export const messageFaults: readonly FaultKind[] = [lateEvents, poison, joiners];
