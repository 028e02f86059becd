// Proves: no dead letter counts as published before the broker has it, and one too large for the topic is announced without its bytes.
import { describe, expect, it } from 'vitest';

import type { BatchProducer, SendVerdict } from './broker.js';
import { encode } from './cloud-events.codec.js';
import { DeadLetterPublisher } from './dead-letter-publisher.js';
import type { DeadLetter } from './dead-letter.js';
import type { OutgoingMessage } from './event-message.js';
import { received, sampleEvent } from './testing/samples.js';

function setUp(judge: (message: OutgoingMessage, round: number) => SendVerdict) {
  const sent: OutgoingMessage[][] = [];
  const producer: BatchProducer = {
    connected: true,
    close: () => Promise.resolve(),
    send: (messages) => {
      sent.push([...messages]);
      return Promise.resolve(messages.map((message) => judge(message, sent.length)));
    },
  };
  return { publisher: new DeadLetterPublisher('spec', () => Promise.resolve(producer)), sent };
}

const letter = (streamId: string): DeadLetter => ({
  message: received(encode(sampleEvent(streamId, 1)), 4, 17),
  streamId,
  code: 'unknown-type',
  reason: 'no such event',
});

describe('DeadLetterPublisher', () => {
  it('copies the message as it came, and adds where it came from and why', async () => {
    const { publisher, sent } = setUp(() => ({ outcome: 'acknowledged' }));
    await publisher.publish([letter('order-a')]);
    const { message } = letter('order-a');
    expect(sent[0]).toEqual([
      {
        topic: 'tidemark.dead-letters',
        key: message.key,
        value: message.value,
        headers: {
          ...message.headers,
          dlq_group: 'spec',
          dlq_code: 'unknown-type',
          dlq_reason: 'no such event',
          dlq_topic: 'tidemark.order',
          dlq_partition: '4',
          dlq_offset: '17',
          dlq_stream: 'order-a',
        },
      },
    ]);
  });

  it('sends the headers alone when the topic refuses the bytes, and what that held back after it', async () => {
    const { publisher, sent } = setUp((message, round) => {
      if (round > 1) return { outcome: 'acknowledged' };
      return String(message.key) === 'order-a' ? { outcome: 'rejected', code: 'too-large', reason: '3 MB' } : { outcome: 'held-back' };
    });
    await publisher.publish([letter('order-a'), letter('order-b')]);
    expect(sent[1]?.map(({ key, value, headers }) => [String(key), value === null, headers['dlq_value']])).toEqual([
      ['order-a', true, 'in-table'],
      ['order-b', false, undefined],
    ]);
  });

  it('fails when the broker does not take them', async () => {
    const failing = setUp(() => ({ outcome: 'failed', error: new Error('broker away') }));
    await expect(failing.publisher.publish([letter('order-a')])).rejects.toThrow('broker away');
    const refusing = setUp(() => ({ outcome: 'rejected', code: 'too-large', reason: 'headers of 3 MB' }));
    await expect(refusing.publisher.publish([letter('order-a')])).rejects.toThrow('headers of 3 MB');
  });
});
