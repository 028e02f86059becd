import { DEAD_LETTER_TOPIC, type Broker, type IncomingMessage } from '#messaging';
import { TopicReader } from '../../verify/topic-reader.js';
import { messageDigest } from '../history/message-digest.js';
import { topicPlace } from './topic-place.js';

/** What is said on top of the original. */
const OURS = /^dlq_/;

/**
 * Digests of what lies on the dead-letter topic, without what was added to it, by `<group> <place of the original>`. A group may have
 * copied a message more than once; every copy counts.
 */
export type DeadLetterCopies = ReadonlyMap<string, ReadonlySet<string>>;

export async function readDeadLetterCopies(broker: Broker): Promise<DeadLetterCopies> {
  const copies = new Map<string, Set<string>>();
  for await (const messages of new TopicReader(broker, [DEAD_LETTER_TOPIC]).batches()) {
    for (const message of messages) {
      const { of, sha256 } = copyOf(message);
      copies.set(of, (copies.get(of) ?? new Set()).add(sha256));
    }
  }
  return copies;
}

function copyOf({ key, value, headers }: IncomingMessage): { of: string; sha256: string } {
  const text = (name: string): string => String(headers[name] ?? '');
  const place = topicPlace({ topic: text('dlq_topic'), partition: Number(text('dlq_partition')), offset: text('dlq_offset') });
  const original = Object.fromEntries(Object.entries(headers).filter(([name]) => !OURS.test(name)));
  return { of: `${text('dlq_group')} ${place}`, sha256: messageDigest({ key, value, headers: original }) };
}
