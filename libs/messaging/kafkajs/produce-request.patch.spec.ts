// Proves: our writer of produce requests, our checksum and our partitioner answer byte for byte what kafkajs answers, and what we never
// send is still kafkajs's.
import { createRequire } from 'node:module';
import fc from 'fast-check';
import kafkajs from 'kafkajs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keyPartitioner } from './key-partitioner.js';
import { writeProduceRequestsFast } from './produce-request.patch.js';

interface Request {
  encode(): Promise<{ readonly buffer: Buffer }>;
}
type Produce = (call: object) => { request: Request };

const require = createRequire(import.meta.url);
const requests = require('kafkajs/src/protocol/requests/produce') as { protocol(choice: { version: number }): Produce };
const kafkaJsRequest = require('kafkajs/src/protocol/requests/produce/v7/request') as (call: object) => Request;
const Long = require('kafkajs/src/utils/long') as { fromValue(value: string): object };

const text = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  fc.string({ minLength: 100, maxLength: 20_000 }),
);
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const large = fc.integer({ min: 8_000, max: 1_100_000 }).map((length) => Buffer.alloc(length, 'x'));
const message = fc.record({
  key: fc.oneof(fc.constant(null), text, bytes),
  value: fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 20, arbitrary: bytes }, { weight: 1, arbitrary: large }),
  headers: fc.dictionary(text, fc.oneof(text, bytes, fc.array(fc.oneof(text, bytes), { maxLength: 3 })), { maxKeys: 14 }),
});
const call = fc.record({
  acks: fc.constant(-1),
  timeout: fc.constant(30_000),
  producerId: fc.bigInt({ min: -1n, max: 2n ** 62n }).map((id) => Long.fromValue(String(id))),
  producerEpoch: fc.integer({ min: 0, max: 32_767 }),
  topicData: fc.array(
    fc.record({
      topic: fc.stringMatching(/^[a-z.]{1,30}$/),
      partitions: fc.array(
        fc.record({
          partition: fc.nat({ max: 200 }),
          firstSequence: fc.nat(),
          messages: fc.array(message, { minLength: 1, maxLength: 150 }),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    }),
    { maxLength: 3 },
  ),
});

describe('produce requests', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_700_000_000_123 });
    writeProduceRequestsFast();
  });
  afterEach(() => void vi.useRealTimers());

  it('are the bytes that kafkajs writes', async () => {
    await fc.assert(
      fc.asyncProperty(call, async (sent) => {
        const ours = await requests.protocol({ version: 7 })(sent).request.encode();
        const theirs = await kafkaJsRequest(sent).encode();
        expect(ours.buffer.equals(theirs.buffer)).toBe(true);
      }),
      { numRuns: 150, seed: 2026 },
    );
  });

  it('of a kind we never send are left to kafkajs', async () => {
    const messages = [{ key: 'k', value: Buffer.from('v'), headers: {}, timestamp: '1600000000000' }];
    const sent = {
      acks: -1,
      timeout: 1,
      producerId: Long.fromValue('7'),
      topicData: [{ topic: 't', partitions: [{ partition: 0, messages }] }],
    };
    const ours = await requests.protocol({ version: 7 })(sent).request.encode();
    expect(ours.buffer.equals((await kafkaJsRequest(sent).encode()).buffer)).toBe(true);
  });
});

describe('partitions of keys', () => {
  it('are those of kafkajs, whose are those of Kafka', () => {
    const [ours, theirs] = [keyPartitioner(), kafkajs.Partitioners.DefaultPartitioner()];
    fc.assert(
      fc.property(fc.oneof(text, bytes), fc.integer({ min: 1, max: 100 }), (key, partitions) => {
        const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({ partitionId, leader: 1 })) as never;
        const asked = { topic: 't', partitionMetadata, message: { key, value: null } };
        expect(ours(asked)).toBe(theirs(asked));
      }),
      { numRuns: 2_000, seed: 2026 },
    );
  });

  it('of what has none, or names its own, are left to kafkajs', () => {
    const partitionMetadata = [{ partitionId: 0, leader: 1 }] as never;
    expect(keyPartitioner()({ topic: 't', partitionMetadata, message: { key: null, value: null } })).toBe(0);
    expect(keyPartitioner()({ topic: 't', partitionMetadata, message: { key: 'k', value: null, partition: 9 } })).toBe(9);
  });
});
