import { KafkaJsBroker } from '#messaging';
import { createLogger } from '#platform';
import { PostgresDatabase } from '../../dev/verify/database.js';
import { KafkaTopicRecords } from '../../dev/verify/kafka-topic-records.js';
import { checkPublishedEvents, checkPublishedOrder, readTopics } from '../../dev/verify/published-events.check.js';

export interface Place {
  readonly databaseUrl: string;
  /** `host:port` */
  readonly broker: string;
  readonly topicPrefix: string;
}

/** What a contender does once the broker has acknowledged: nobody waits for it, and losing it costs repeats. */
export const WHAT_IS_REMEMBERED =
  'Commits and acknowledgements are durable. What was published is remembered without waiting for the disk by both: our deletion from the outbox (synchronous_commit off in that session alone), Debezium’s offset (a file, every minute).';

type OnBroker = Pick<Place, 'broker' | 'topicPrefix'>;

const brokerFor = ({ broker, topicPrefix }: OnBroker): KafkaJsBroker =>
  new KafkaJsBroker({ brokers: [broker], clientId: 'bench', topicPrefix, logger: createLogger({ app: 'bench', level: 'error' }) });

/** The topics as the product makes them, for each contender under its own prefix. */
export async function ensureTopics(on: OnBroker): Promise<void> {
  const admin = brokerFor(on).admin();
  await admin.ensureTopics();
  await admin.close();
}

/** Every event is on its topic as it is stored, each stream in order, and the outbox is empty. @throws Error when not */
export async function verifyPublished({ databaseUrl, ...on }: Place): Promise<void> {
  const database = new PostgresDatabase(databaseUrl);
  try {
    const published = await readTopics(new KafkaTopicRecords(brokerFor(on)));
    const findings = [await checkPublishedEvents(database, published), checkPublishedOrder(published)];
    const [left] = await database.rows<{ rows: number }>('SELECT count(*) AS rows FROM tidemark.outbox');
    const broken = findings.flatMap(({ violations }) => violations.kept);
    if (broken.length > 0 || left?.rows !== 0) throw new Error(`not published as stored (${left?.rows} left): ${broken.join('; ')}`);
  } finally {
    await database.close();
  }
}
