import { TOPICS, type Broker, type IncomingMessage } from '#messaging';
import { contentDigest } from './content-digest.js';
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

export function recordOf({ topic, partition, offset, headers, value }: IncomingMessage): TopicRecord {
  const version = Number(textOf(headers['ce_streamversion']) ?? NaN);
  return {
    topic,
    partition,
    offset,
    streamId: textOf(headers['ce_subject']),
    version: Number.isSafeInteger(version) ? version : null,
    eventId: textOf(headers['ce_id']),
    content: contentOf(textOf(headers['ce_type']), textOf(headers['ce_schemaversion']), value),
  };
}

/** Read without the codec, whose slips it is to find. */
function contentOf(type: string | null, schemaVersion: string | null, value: Buffer | null): string | null {
  if (type === null || schemaVersion === null || value === null) return null;
  let data: unknown;
  try {
    data = JSON.parse(value.toString('utf8'));
  } catch {
    return null;
  }
  return contentDigest(type, schemaVersion, data);
}

function textOf(header: unknown): string | null {
  if (typeof header === 'string') return header;
  return Buffer.isBuffer(header) ? header.toString('utf8') : null;
}
