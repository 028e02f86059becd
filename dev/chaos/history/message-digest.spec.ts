/** Proves that a digest tells every byte of a message, and not how a library hands it over. */
import { expect, it } from 'vitest';
import { messageDigest } from './message-digest.js';

const message = { key: 'order-1', value: '{"total": 1}', headers: { ce_id: '1', ce_type: 'OrderPlaced' } };
const digest = messageDigest(message);

it('is the same for texts and for their bytes, in whatever order the headers come', () => {
  const headers = { ce_type: [Buffer.from('OrderPlaced')], ce_id: Buffer.from('1') };
  expect(messageDigest({ key: Buffer.from('order-1'), value: Buffer.from('{"total": 1}'), headers })).toBe(digest);
});

it.each([
  ['no key', { key: null }],
  ['another key', { key: 'order-2' }],
  ['no value', { value: null }],
  ['an empty value', { value: '' }],
  ['a value that reads the same and is not', { value: '{"total":1}' }],
  ['no headers', { headers: {} }],
  ['a header less', { headers: { ce_id: '1' } }],
  ['a header given twice', { headers: { ...message.headers, ce_id: ['1', '1'] } }],
])('is another for %s', (_, change) => expect(messageDigest({ ...message, ...change })).not.toBe(digest));
