// Proves: what goes in comes out, for any event; what is not one of ours is refused with a stable code and never with another error.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { CloudEventsCodec, decode, encode } from './cloud-events.codec.js';
import type { EventMessage, HeaderValue, IncomingMessage } from './event-message.js';
import { PoisonMessageError } from './poison.js';
import { received, sampleEvent } from './testing/samples.js';

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((value) => !value.includes('\u0000'));
const time = fc.date({ min: new Date('1970-01-01'), max: new Date('2200-01-01'), noInvalidDate: true }).map((date) => date.toISOString());
const streamId = fc.tuple(fc.constantFrom('order', 'stock', 'payment', 'fulfilment'), text).map(([category, key]) => `${category}-${key}`);
const data = fc
  .dictionary(
    fc.string().filter((key) => key !== '__proto__'),
    fc.jsonValue(),
  )
  // JSON has no −0.
  .map((value) => JSON.parse(JSON.stringify(value)) as object);

const anyEvent: fc.Arbitrary<EventMessage> = fc.record({
  id: fc.uuid(),
  type: text,
  schemaVersion: fc.integer({ min: 1, max: 1_000 }),
  streamId,
  version: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  data,
  occurredAt: time,
  recordedAt: time,
  correlationId: text,
  causationId: text,
  actor: text,
  commandId: fc.option(fc.uuid()),
  traceparent: fc.option(text),
});

describe('CloudEvents codec', () => {
  it('gives back every event exactly', () => {
    fc.assert(
      fc.property(anyEvent, (event) => {
        expect(decode(received(encode(event)))).toEqual(event);
      }),
      { seed: 20101201, numRuns: 300 },
    );
  });

  it('takes data that is JSON text already as it is', () => {
    const event = sampleEvent('order-1', 1, { data: { total: 1050, note: 'Zoë — 日本' } });
    const message = encode({ ...event, data: '{"total":1050,  "note":"Zoë — 日本"}' });
    expect(message.value?.toString()).toBe('{"total":1050,  "note":"Zoë — 日本"}');
    expect(decode(received(message))).toEqual(event);
  });

  it('writes CloudEvents binary mode, keyed by stream', () => {
    const message = encode(sampleEvent('stock-WHITE-MUG', 7, { type: 'StockReserved', traceparent: '00-ab-cd-01' }));
    expect(message.topic).toBe('tidemark.stock');
    expect(message.key).toBe('stock-WHITE-MUG');
    expect(message.headers).toMatchObject({
      ce_specversion: '1.0',
      ce_source: 'tidemark',
      ce_type: 'StockReserved',
      ce_subject: 'stock-WHITE-MUG',
      ce_time: '2010-12-01T08:26:00Z',
      ce_streamversion: '7',
      ce_schemaversion: '1',
      traceparent: '00-ab-cd-01',
      'content-type': 'application/json',
    });
    expect(message.headers).not.toHaveProperty('ce_commandid');
  });

  it('cannot encode an event of a stream that has no topic', () => {
    expect(() => encode(sampleEvent('basket-1', 1))).toThrow(RangeError);
  });

  it('carries values of another codec in the same envelope', () => {
    const codec = new CloudEventsCodec({
      source: 'elsewhere',
      values: {
        contentType: 'application/x-reversed',
        encode: (value) => Buffer.from(JSON.stringify(value)).reverse(),
        decode: (bytes) => JSON.parse(Buffer.from(bytes).reverse().toString()) as unknown,
      },
    });
    const event = sampleEvent('order-1', 1);
    const message = received(codec.encode(event));
    expect(codec.decode(message)).toEqual(event);
    expect(codeOf(() => decode(message))).toBe('content-type-unsupported');
  });

  const good = received(encode(sampleEvent('order-1', 1, { commandId: '3b241101-e2bb-4255-8caf-4136c566a962' })), 3, 42);
  const withHeader = (name: string, value: HeaderValue | undefined): IncomingMessage => ({
    ...good,
    headers: { ...good.headers, [name]: value },
  });
  const poison: [string, string, IncomingMessage][] = [
    ['broken JSON', 'value-malformed', { ...good, value: Buffer.from('{"orderId":') }],
    ['bytes that are not UTF-8', 'value-malformed', { ...good, value: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]) }],
    ['an empty value', 'value-malformed', { ...good, value: Buffer.alloc(0) }],
    ['an array', 'value-malformed', { ...good, value: Buffer.from('[1]') }],
    ['JSON null', 'value-malformed', { ...good, value: Buffer.from('null') }],
    ['a tombstone', 'value-missing', { ...good, value: null }],
    ['no key', 'key-missing', { ...good, key: null }],
    ['the wrong key', 'key-mismatch', { ...good, key: Buffer.from('order-2') }],
    ['the wrong topic', 'topic-mismatch', { ...good, topic: 'tidemark.stock' }],
    ['a stream of no known category', 'topic-mismatch', { ...withHeader('ce_subject', 'basket-1'), key: Buffer.from('basket-1') }],
    ['no headers', 'header-missing', { ...good, headers: {} }],
    ...['ce_specversion', 'ce_id', 'ce_type', 'ce_subject', 'ce_time', 'ce_recordedtime', 'ce_streamversion', 'ce_schemaversion'].map(
      (name): [string, string, IncomingMessage] => [`no ${name}`, 'header-missing', withHeader(name, undefined)],
    ),
    ['another CloudEvents version', 'header-invalid', withHeader('ce_specversion', '0.3')],
    ['an id that is no UUID', 'header-invalid', withHeader('ce_id', 'abc')],
    ['a command id that is no UUID', 'header-invalid', withHeader('ce_commandid', 'abc')],
    ['a time that does not parse', 'header-invalid', withHeader('ce_time', 'yesterday')],
    ['version 0', 'header-invalid', withHeader('ce_streamversion', '0')],
    ['a version beyond safe integers', 'header-invalid', withHeader('ce_streamversion', '9007199254740993')],
    ['a schema version that is no number', 'header-invalid', withHeader('ce_schemaversion', 'two')],
    ['a header given twice', 'header-invalid', withHeader('ce_type', ['A', 'B'])],
    ['a NUL in a header', 'header-invalid', withHeader('ce_actor', Buffer.from('a\u0000b'))],
    ['a header that is not UTF-8', 'header-invalid', withHeader('ce_actor', Buffer.from([0xc3, 0x28]))],
    ['Avro', 'content-type-unsupported', withHeader('content-type', 'application/avro')],
  ];
  it.each(poison)('refuses %s', (_name, code, message) => {
    expect(codeOf(() => decode(message))).toBe(code);
  });

  it('never quotes the payload in its complaint', () => {
    const message = { ...good, value: Buffer.from('{"email": secret@example.org}') };
    expect(() => decode(message)).toThrow(/^value-malformed: (?!.*secret).*tidemark\.order\[3\]@42/);
  });

  it('throws nothing but its own error, whatever the bytes', () => {
    const header = fc.oneof(
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.string(),
      fc.constant(undefined),
    );
    const names = Object.keys(good.headers);
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...names), header),
        fc.option(fc.uint8Array().map((bytes) => Buffer.from(bytes))),
        fc.option(fc.uint8Array().map((bytes) => Buffer.from(bytes))),
        (headers, key, value) => {
          try {
            decode({ ...good, key: key ?? good.key, value, headers: { ...good.headers, ...headers } });
          } catch (error) {
            expect(error).toBeInstanceOf(PoisonMessageError);
          }
        },
      ),
      { seed: 4, numRuns: 500 },
    );
  });
});

function codeOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return error instanceof PoisonMessageError ? error.code : String(error);
  }
}
