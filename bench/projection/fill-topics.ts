import { KafkaJsBroker, encode } from '#messaging';
import { createLogger } from '#platform';
import { uuidOf } from '../../libs/read-models/testing/events.js';
import { inBatches, trade } from './trade.js';

const BATCH = 2_000;

/** Puts a trade of so many orders onto fresh topics, as the relay does. Answers how many events that are. */
export async function fillTopics(kafka: string, topicPrefix: string, orders: number): Promise<number> {
  const logger = createLogger({ app: 'bench', level: 'error' });
  const broker = new KafkaJsBroker({ brokers: [kafka], clientId: 'bench', topicPrefix, logger });
  const admin = broker.admin();
  await admin.ensureTopics();
  const producer = await broker.createProducer();
  const about = { schemaVersion: 1, correlationId: uuidOf('bench'), causationId: uuidOf('bench'), commandId: null, traceparent: null };
  let count = 0;
  try {
    for (const events of inBatches(trade(orders), BATCH)) {
      const verdicts = await producer.send(events.map((event) => encode({ ...event, ...about })));
      if (verdicts.some(({ outcome }) => outcome !== 'acknowledged')) throw new Error('the broker did not take all events');
      count += events.length;
    }
  } finally {
    await Promise.all([producer.close(), admin.close()]);
  }
  return count;
}
