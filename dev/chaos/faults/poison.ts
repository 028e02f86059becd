import { TOPICS } from '#messaging';
import type { Message } from 'kafkajs';
import type { Random } from '../load/random.js';
import { POISON_MARK, type EventTopic } from '../stack/topic-writer.js';

/** A record that nobody of ours would write. */
export interface PoisonRecord {
  readonly what: string;
  readonly topic: EventTopic;
  /** Which stream a consumer takes it for; null when it names none. */
  readonly streamId: string | null;
  readonly message: Message;
}

/**
 * Below the broker's limit for a record (1 MB), above everything our own events ever need. Larger ones cannot come to lie on a topic: the
 * broker refuses them from whomever, and that the relay then sets them aside is proven by its own specs.
 */
const BIG_BYTES = 900_000;

type Make = (streamId: string, random: Random) => Pick<PoisonRecord, 'message'> & { readonly streamId?: string | null };

const KINDS: Readonly<Record<string, Make>> = {
  'bad-json': (streamId) => ({ message: message(streamId, '{"orderId": ') }),
  'not-utf8': (streamId) => ({ message: message(streamId, Buffer.from([0x7b, 0xff, 0xfe, 0x7d])) }),
  'not-an-object': (streamId) => ({ message: message(streamId, '[1, 2, 3]') }),
  'unknown-type': (streamId) => ({ message: message(streamId, '{}', { ce_type: 'OrderTeleported' }) }),
  'unknown-version': (streamId) => ({ message: message(streamId, '{}', { ce_schemaversion: '999' }) }),
  big: (streamId) => ({ message: message(streamId, JSON.stringify({ filler: 'x'.repeat(BIG_BYTES) }), { ce_type: 'OrderInflated' }) }),
  'null-value': (streamId) => ({ message: message(streamId, null) }),
  'wrong-key': (streamId, random) => ({ message: { ...message(streamId, '{}'), key: `order-${uuid(random)}` } }),
  'no-key': (streamId) => ({ message: { ...message(streamId, '{}'), key: null } }),
  'no-headers': (streamId) => ({ streamId: streamId, message: { key: streamId, value: '{}', headers: { [POISON_MARK]: '1' } } }),
  'no-id': (streamId) => ({ message: message(streamId, '{}', { ce_id: 'not a uuid' }) }),
  'wrong-topic': (_, random) => {
    const streamId = `payment-${uuid(random)}`;
    return { streamId, message: message(streamId, '{}') };
  },
  'wrong-data': (streamId) => ({ message: message(streamId, '{"lines": "none", "total": {}}') }),
};

export const POISON_KINDS: readonly string[] = Object.keys(KINDS);

/** Unless told otherwise under the id of an order that does not exist: what it parks must hold back nobody else. */
export function poisonOf(what: string, random: Random, streamId = `order-${uuid(random)}`): PoisonRecord {
  const { message, streamId: taken = streamId } = KINDS[what]!(streamId, random);
  return { what, topic: TOPICS.order, streamId: taken, message };
}

function message(streamId: string, value: string | Buffer | null, headers: Readonly<Record<string, string>> = {}): Message {
  const now = new Date().toISOString();
  return {
    key: streamId,
    value,
    headers: {
      ce_specversion: '1.0',
      ce_id: streamId.slice(streamId.indexOf('-') + 1),
      ce_source: 'chaos',
      ce_type: 'OrderPlaced',
      ce_subject: streamId,
      ce_time: now,
      ce_recordedtime: now,
      ce_streamversion: '1',
      ce_schemaversion: '1',
      ce_correlationid: streamId.slice(streamId.indexOf('-') + 1),
      ce_causationid: streamId.slice(streamId.indexOf('-') + 1),
      ce_actor: 'chaos',
      'content-type': 'application/json',
      ...headers,
      [POISON_MARK]: '1',
    },
  };
}

/** Version 4, from the seed. */
function uuid(random: Random): string {
  const hex = Array.from({ length: 32 }, (_, index) =>
    (index === 12 ? 4 : index === 16 ? random.between(8, 11) : random.between(0, 15)).toString(16),
  );
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].map((part) => part.join('')).join('-');
}
