import type { Message, Producer, TopicMessages } from 'kafkajs';

import type { BatchProducer, SendVerdict } from '../broker.js';
import type { HeaderValue, OutgoingMessage } from '../event-message.js';
import { asError, type MessagingLogger } from '../messaging-logger.js';
import type { BrokerNames } from '../topics.js';
import { classifySendFailure } from './kafkajs-errors.js';
import { SendCall } from './send-call.js';

export interface KafkaJsProducerOptions {
  /** A fresh, unconnected, idempotent kafkajs producer. */
  createProducer(): Producer;
  readonly names: BrokerNames;
  readonly logger: MessagingLogger;
  /** Messages above are rejected without asking the broker. Bytes, with headers and framing. */
  readonly maxMessageBytes: number;
}

/** Offsets, lengths, timestamps and checksums of a record and its share of the batch, generously. */
const FRAMING_BYTES = 100;

/**
 * - Messages reach the broker in the order given, one request outstanding: kafkajs's idempotence loses messages when sends overlap.
 * - After any failed send the kafkajs producer is thrown away. It rolls its sequence numbers back, so that the broker would take other
 *   messages under the same numbers for repeats and acknowledge them without storing them; and after a fatal sequence error it never
 *   recovers. A new producer costs a duplicate at worst.
 * - Of each topic a request stays below the size limit: the broker's limit is for all records of a partition in a request together.
 * - A rejected message bars the later messages of its key in the same call, so that nothing overtakes it.
 */
export class KafkaJsProducer implements BatchProducer {
  private tail: Promise<unknown> = Promise.resolve();
  private producer: Producer | undefined;
  private closed = false;

  constructor(private readonly options: KafkaJsProducerOptions) {}

  get connected(): boolean {
    return this.producer !== undefined;
  }

  send(messages: readonly OutgoingMessage[]): Promise<SendVerdict[]> {
    if (this.closed) return Promise.reject(new Error('the producer is closed'));
    const sent = this.tail.then(() => this.sendInOrder(messages));
    this.tail = sent.catch(() => undefined);
    return sent;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.tail;
    const producer = this.producer;
    this.producer = undefined;
    await producer?.disconnect();
  }

  private async sendInOrder(messages: readonly OutgoingMessage[]): Promise<SendVerdict[]> {
    const call = new SendCall(messages);
    let request: number[] = [];
    let bytesOfTopic = new Map<string, number>();
    for (const [index, message] of messages.entries()) {
      const bytes = sizeOf(message);
      if (bytes > this.options.maxMessageBytes) {
        call.reject(index, 'too-large', `${bytes} bytes, the limit is ${this.options.maxMessageBytes}`);
        continue;
      }
      if ((bytesOfTopic.get(message.topic) ?? 0) + bytes > this.options.maxMessageBytes) {
        await this.deliver(request, call);
        request = [];
        bytesOfTopic = new Map();
      }
      request.push(index);
      bytesOfTopic.set(message.topic, (bytesOfTopic.get(message.topic) ?? 0) + bytes);
    }
    await this.deliver(request, call);
    return call.verdicts();
  }

  /** Sends what is still allowed to go; when the broker refuses some record, halves the request until it is found. */
  private async deliver(candidates: readonly number[], call: SendCall): Promise<void> {
    const indexes = candidates.filter((index) => call.mayGo(index));
    if (indexes.length === 0) return;
    const failure = await this.attempt(indexes.map((index) => call.messages[index] as OutgoingMessage));
    if (failure === undefined) {
      indexes.forEach((index) => call.acknowledge(index));
      return;
    }
    const kind = classifySendFailure(failure);
    if (kind === 'passing') {
      call.fail(failure);
    } else if (indexes.length === 1) {
      call.reject(indexes[0] as number, kind, failure.message);
    } else {
      const middle = indexes.length >> 1;
      await this.deliver(indexes.slice(0, middle), call);
      await this.deliver(indexes.slice(middle), call);
    }
  }

  private async attempt(messages: readonly OutgoingMessage[]): Promise<Error | undefined> {
    const startedAt = performance.now();
    try {
      this.producer ??= await this.connect();
      await this.producer.sendBatch({ acks: -1, topicMessages: this.group(messages) });
      return undefined;
    } catch (thrown) {
      const error = asError(thrown);
      this.options.logger.warn({
        event: 'kafka.send.failed',
        kind: classifySendFailure(error),
        detail: error.message,
        count: messages.length,
        durationMs: Math.round(performance.now() - startedAt),
      });
      this.discard();
      return error;
    }
  }

  private async connect(): Promise<Producer> {
    const producer = this.options.createProducer();
    try {
      await producer.connect();
      return producer;
    } catch (error) {
      this.disconnectInBackground(producer);
      throw error;
    }
  }

  private discard(): void {
    if (this.producer === undefined) return;
    this.disconnectInBackground(this.producer);
    this.producer = undefined;
  }

  /** Not awaited: it waits for requests whose answer may never come. */
  private disconnectInBackground(producer: Producer): void {
    producer.disconnect().catch((error: unknown) => {
      this.options.logger.debug({ event: 'kafka.producer.disconnect-failed', detail: asError(error).message });
    });
  }

  private group(messages: readonly OutgoingMessage[]): TopicMessages[] {
    const byTopic = new Map<string, Message[]>();
    for (const { topic, key, value, headers } of messages) {
      const list = byTopic.get(topic);
      const message = { key, value, headers: headers as Record<string, string | Buffer | (string | Buffer)[]> };
      if (list === undefined) byTopic.set(topic, [message]);
      else list.push(message);
    }
    return [...byTopic].map(([topic, list]) => ({ topic: this.options.names.toBroker(topic), messages: list }));
  }
}

function sizeOf({ key, value, headers }: OutgoingMessage): number {
  let bytes = FRAMING_BYTES + (value?.length ?? 0) + bytesOf(key);
  for (const name in headers) bytes += name.length + bytesOf(headers[name] as HeaderValue) + 4;
  return bytes;
}

function bytesOf(value: HeaderValue | null): number {
  if (value === null) return 0;
  if (typeof value === 'string') return Buffer.byteLength(value);
  return Buffer.isBuffer(value) ? value.length : (value as readonly (string | Buffer)[]).reduce((sum, part) => sum + bytesOf(part), 0);
}
