import { parseStreamId } from '#domain';

import type { HeaderValue, IncomingMessage, OutgoingMessage } from './event-message.js';
import { DEAD_LETTER_TOPIC } from './topics.js';

/** A message a consumer group could not take, or that waits behind such a message of its stream. */
export interface DeadLetter {
  readonly message: IncomingMessage;
  /** Stream it holds back; null when the message does not even say which one it belongs to. */
  readonly streamId: string | null;
  /** `stream-parked` for those that only wait. */
  readonly code: string;
  readonly reason: string;
}

export const STREAM_PARKED = 'stream-parked';

/** The stream a message claims to belong to, readable or not: its subject, else its key. */
export function claimedStream(message: IncomingMessage): string | null {
  const subject = message.headers['ce_subject'];
  const candidates = [subject === undefined || Array.isArray(subject) ? undefined : subject.toString(), message.key?.toString('utf8')];
  return (
    candidates.find((candidate) => candidate !== undefined && parseStreamId(candidate) !== undefined && !candidate.includes('\u0000')) ??
    null
  );
}

/** The copy for the dead-letter topic: key, value and headers as they came, and ours on top. */
export function deadLetterMessage({ message, streamId, code, reason }: DeadLetter, groupId: string): OutgoingMessage {
  const original = Object.entries(message.headers).filter((entry): entry is [string, HeaderValue] => entry[1] !== undefined);
  return {
    topic: DEAD_LETTER_TOPIC,
    key: message.key,
    value: message.value,
    headers: {
      ...Object.fromEntries(original),
      dlq_group: groupId,
      dlq_code: code,
      dlq_reason: reason.slice(0, 1_000),
      dlq_topic: message.topic,
      dlq_partition: String(message.partition),
      dlq_offset: message.offset,
      ...(streamId === null ? {} : { dlq_stream: streamId }),
    },
  };
}

/** When even the dead-letter topic finds the original too large: the headers alone; the bytes are in the table. */
export function withoutValue(message: OutgoingMessage): OutgoingMessage {
  return { ...message, value: null, headers: { ...message.headers, dlq_value: 'in-table' } };
}
