/** Proves that a record and its event are the same by what they say, not by how it is written, and that every difference counts. */
import { describe, expect, it } from 'vitest';
import { encode, type EncodableEvent, type IncomingMessage } from '#messaging';
import { sampleEvent } from '../../libs/messaging/testing/samples.js';
import { contentDigest } from './content-digest.js';
import { recordOf } from './kafka-topic-records.js';

const DATA = { orderId: 'o1', lines: [{ sku: 'MUG', quantity: 2 }], 'é"': null, total: 850, paid: false };
const EVENT: EncodableEvent = sampleEvent('order-o1', 1, { type: 'OrderPlaced', schemaVersion: 2, data: DATA });

/** As a broker gives it back. */
function record(other: Partial<EncodableEvent> = {}, value?: Buffer | null) {
  const { topic, value: encoded, headers } = encode({ ...EVENT, ...other });
  const message = { topic, partition: 0, offset: '7', key: null, value: value === undefined ? encoded : value, headers };
  return recordOf(message as IncomingMessage);
}

describe('the content of a record', () => {
  const stored = contentDigest('OrderPlaced', 2, DATA);

  it('is that of its event, in any order of keys and with any white space', () => {
    expect(stored).toMatch(/^[0-9a-f]{16}$/);
    expect(record().content).toBe(stored);
    const turned = JSON.stringify(Object.fromEntries(Object.entries(DATA).reverse()), null, 2);
    expect(record({ data: turned }).content).toBe(stored);
  });

  it.each([
    ['type', { type: 'OrderRejected' }],
    ['version of the schema', { schemaVersion: 1 }],
    ['value', { data: { ...DATA, total: 851 } }],
    ['value deep within', { data: { ...DATA, lines: [{ sku: 'MUG', quantity: 3 }] } }],
    ['order of a list', { data: { ...DATA, lines: [{ sku: 'CUP' }, { sku: 'MUG' }] } }],
    ['type of a value', { data: { ...DATA, total: '850' } }],
    ['field more', { data: { ...DATA, more: null } }],
  ])('is another with another %s', (_, other) => {
    expect(record(other).content).not.toBe(stored);
  });

  it.each([
    ['null', null],
    ['no JSON', Buffer.from('{"orderId":')],
  ])('is none when the value is %s', (_, value) => {
    expect(record({}, value).content).toBeNull();
  });
});
