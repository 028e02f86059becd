import type { EncodableEvent, EventMessage, HeaderValue, IncomingMessage, OutgoingMessage } from './event-message.js';
import { PoisonMessageError, type PoisonCode } from './poison.js';
import { topicOf } from './topics.js';

/** Event ⇄ bytes. Decoding throws {@link PoisonMessageError} and nothing else. */
export interface EventCodec {
  encode(event: EncodableEvent): OutgoingMessage;
  decode(message: IncomingMessage): EventMessage;
}

/** The data part alone, so that Avro or Protobuf can come in without touching the envelope. */
export interface ValueCodec {
  readonly contentType: string;
  /** A string is JSON text that is already serialised. */
  encode(data: object | string): Buffer;
  /** Throws anything when the bytes are not a value of this codec. */
  decode(bytes: Buffer): unknown;
}

export const jsonValues: ValueCodec = {
  contentType: 'application/json',
  encode: (data) => Buffer.from(typeof data === 'string' ? data : JSON.stringify(data), 'utf8'),
  decode: (bytes) => JSON.parse(strictUtf8.decode(bytes)) as unknown,
};

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;
const NUL = '\u0000';

/**
 * CloudEvents 1.0, Kafka binding, binary mode: attributes and our extensions as `ce_*` headers, the value is the data alone.
 * What it lets through can be stored: ids are UUIDs, times parse, texts hold no NUL, key, subject and topic agree.
 */
export class CloudEventsCodec implements EventCodec {
  private readonly values: ValueCodec;
  private readonly source: string;

  constructor({ values = jsonValues, source = 'tidemark' }: { values?: ValueCodec; source?: string } = {}) {
    this.values = values;
    this.source = source;
  }

  encode(event: EncodableEvent): OutgoingMessage {
    const headers: Record<string, string> = {
      ce_specversion: '1.0',
      ce_id: event.id,
      ce_source: this.source,
      ce_type: event.type,
      ce_subject: event.streamId,
      ce_time: event.occurredAt,
      ce_recordedtime: event.recordedAt,
      ce_streamversion: String(event.version),
      ce_schemaversion: String(event.schemaVersion),
      ce_correlationid: event.correlationId,
      ce_causationid: event.causationId,
      ce_actor: event.actor,
      'content-type': this.values.contentType,
    };
    if (event.commandId !== null) headers['ce_commandid'] = event.commandId;
    if (event.traceparent !== null) headers['traceparent'] = event.traceparent;
    return { topic: topicOf(event.streamId), key: event.streamId, value: this.values.encode(event.data), headers };
  }

  decode(message: IncomingMessage): EventMessage {
    const read = new HeaderReader(message);
    if (message.key === null) throw read.poison('key-missing', 'the message has no key');
    if (message.value === null) throw read.poison('value-missing', 'the value is null');
    if (read.text('ce_specversion') !== '1.0') throw read.poison('header-invalid', 'ce_specversion is not 1.0');
    const streamId = read.text('ce_subject');
    if (message.key.toString('utf8') !== streamId) throw read.poison('key-mismatch', 'the key is not the ce_subject');
    if (!belongsTo(message.topic, streamId)) throw read.poison('topic-mismatch', 'streams of this kind have another topic');
    const contentType = read.text('content-type');
    if (contentType.split(';')[0]?.trim() !== this.values.contentType) {
      throw read.poison('content-type-unsupported', `expected ${this.values.contentType}`);
    }
    return {
      id: read.uuid('ce_id'),
      type: read.text('ce_type'),
      schemaVersion: read.count('ce_schemaversion'),
      streamId,
      version: read.count('ce_streamversion'),
      data: this.data(message.value, read),
      occurredAt: read.time('ce_time'),
      recordedAt: read.time('ce_recordedtime'),
      correlationId: read.text('ce_correlationid'),
      causationId: read.text('ce_causationid'),
      actor: read.text('ce_actor'),
      commandId: read.has('ce_commandid') ? read.uuid('ce_commandid') : null,
      traceparent: read.has('traceparent') ? read.text('traceparent') : null,
    };
  }

  private data(bytes: Buffer, read: HeaderReader): object {
    let data: unknown;
    try {
      data = this.values.decode(bytes);
    } catch (error) {
      // Never the parser's message: it quotes the payload.
      throw read.poison('value-malformed', `not ${this.values.contentType} (${error instanceof Error ? error.name : 'unknown error'})`);
    }
    if (typeof data !== 'object' || data === null || Array.isArray(data)) throw read.poison('value-malformed', 'not an object');
    return data;
  }
}

function belongsTo(topic: string, streamId: string): boolean {
  try {
    return topicOf(streamId) === topic;
  } catch {
    return false;
  }
}

/** Reads headers of one message; every complaint carries where the message stands. */
class HeaderReader {
  constructor(private readonly message: IncomingMessage) {}

  has(name: string): boolean {
    return this.message.headers[name] !== undefined;
  }

  text(name: string): string {
    const value: HeaderValue | undefined = this.message.headers[name];
    if (value === undefined) throw this.poison('header-missing', name);
    if (typeof value !== 'string' && !Buffer.isBuffer(value)) throw this.poison('header-invalid', `${name} is given more than once`);
    const text = typeof value === 'string' ? value : this.utf8(name, value);
    if (text === '' || text.includes(NUL)) throw this.poison('header-invalid', `${name} is empty or holds NUL`);
    return text;
  }

  uuid(name: string): string {
    const text = this.text(name);
    if (!UUID.test(text)) throw this.poison('header-invalid', `${name} is not a UUID`);
    return text;
  }

  count(name: string): number {
    const text = this.text(name);
    const value = Number(text);
    if (!/^\d{1,16}$/.test(text) || value < 1 || !Number.isSafeInteger(value))
      throw this.poison('header-invalid', `${name} is not a count`);
    return value;
  }

  time(name: string): string {
    const text = this.text(name);
    if (!TIMESTAMP.test(text) || Number.isNaN(Date.parse(text))) throw this.poison('header-invalid', `${name} is not a time`);
    return text;
  }

  poison(code: PoisonCode, detail: string): PoisonMessageError {
    return new PoisonMessageError(code, detail, this.message);
  }

  private utf8(name: string, bytes: Buffer): string {
    try {
      return strictUtf8.decode(bytes);
    } catch {
      throw this.poison('header-invalid', `${name} is not UTF-8`);
    }
  }
}

const defaultCodec = new CloudEventsCodec();

/** JSON CloudEvents with the default source: what all our apps use. */
export const encode = (event: EncodableEvent): OutgoingMessage => defaultCodec.encode(event);
export const decode = (message: IncomingMessage): EventMessage => defaultCodec.decode(message);
