import { TOPICS, type Broker, type IncomingMessage } from '#messaging';
import { TopicReader } from './topic-reader.js';
import type { TopicRecord, TopicRecords } from './topic-records.js';

/** The event topics read once, from offset 0 to where they end when the reading begins. */
export class KafkaTopicRecords implements TopicRecords {
  private readonly reader: TopicReader;

  constructor(broker: Broker) {
    this.reader = new TopicReader(broker, Object.values(TOPICS));
  }

  async *batches(): AsyncGenerator<readonly TopicRecord[]> {
    for await (const messages of this.reader.batches()) yield messages.map(recordOf);
  }
}

function recordOf({ topic, partition, offset, headers }: IncomingMessage): TopicRecord {
  const version = Number(textOf(headers['ce_streamversion']) ?? NaN);
  return {
    topic,
    partition,
    offset,
    streamId: textOf(headers['ce_subject']),
    version: Number.isSafeInteger(version) ? version : null,
    eventId: textOf(headers['ce_id']),
  };
}

function textOf(header: unknown): string | null {
  if (typeof header === 'string') return header;
  return Buffer.isBuffer(header) ? header.toString('utf8') : null;
}
