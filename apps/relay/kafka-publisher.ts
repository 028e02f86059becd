import { setTimeout as delay } from 'node:timers/promises';
import { failpoints } from '#failpoints';
import { encode, type BatchProducer, type EncodableEvent, type OutgoingMessage, type SendVerdict } from '#messaging';
import type { OutboxPublisher, OutboxRow, PoisonRow, PublishResult } from '#outbox';

interface Encoded {
  readonly row: OutboxRow;
  readonly message: OutgoingMessage;
}

/** Only where the kill point between the sending and its acknowledgement is armed, milliseconds. */
const LEAVES_WITHIN_MS = 2;

/** Outbox rows as CloudEvents on Kafka. What the codec or the broker refuses for good is poison; the producer keeps a key's order. */
export class KafkaPublisher implements OutboxPublisher {
  readonly #producer: Pick<BatchProducer, 'send'>;

  constructor({ producer }: { readonly producer: Pick<BatchProducer, 'send'> }) {
    this.#producer = producer;
  }

  async publish(rows: readonly OutboxRow[]): Promise<PublishResult> {
    const { encoded, poison } = encodeAll(rows);
    const verdicts = encoded.length === 0 ? [] : await this.#send(encoded.map(({ message }) => message));
    const published: number[] = [];
    let failure: Error | undefined;
    encoded.forEach(({ row, message }, index) => {
      const verdict = verdicts[index] as SendVerdict;
      switch (verdict.outcome) {
        case 'acknowledged':
          published.push(row.seq);
          break;
        case 'rejected':
          poison.push(poisonOf(row, verdict.code, verdict.reason, message));
          break;
        case 'failed':
          failure ??= verdict.error;
          break;
        case 'held-back':
          break;
      }
    });
    return { published, poison, failure };
  }

  async #send(messages: OutgoingMessage[]): Promise<SendVerdict[]> {
    if (!failpoints.armed) return await this.#producer.send(messages);
    if (failpoints.plans('relay.half-acknowledged') && messages.length > 1) return await this.#sendHalves(messages);
    const sent = this.#producer.send(messages);
    sent.catch(() => undefined);
    // Time to leave this process: partitions are looked up, then the broker is written to. Shorter than an acknowledgement takes.
    if (failpoints.plans('relay.sent')) await delay(LEAVES_WITHIN_MS);
    await failpoints.reach('relay.sent');
    return await sent;
  }

  async #sendHalves(messages: OutgoingMessage[]): Promise<SendVerdict[]> {
    const middle = messages.length >> 1;
    const first = await this.#producer.send(messages.slice(0, middle));
    // what failed or was refused in the first half would hold back messages of the second, which this call cannot know
    const clean = first.every(({ outcome }) => outcome === 'acknowledged');
    if (!clean) return [...first, ...messages.slice(middle).map((): SendVerdict => ({ outcome: 'held-back' }))];
    await failpoints.reach('relay.half-acknowledged');
    return [...first, ...(await this.#producer.send(messages.slice(middle)))];
  }
}

/** A stream ends at its first row that cannot be encoded: what comes after must not overtake it. */
function encodeAll(rows: readonly OutboxRow[]): { encoded: Encoded[]; poison: PoisonRow[] } {
  const encoded: Encoded[] = [];
  const poison: PoisonRow[] = [];
  const barred = new Set<string>();
  for (const row of rows) {
    if (barred.has(row.streamId)) continue;
    try {
      encoded.push({ row, message: encode(eventOf(row)) });
    } catch (error) {
      barred.add(row.streamId);
      poison.push(poisonOf(row, 'not-encodable', error instanceof Error ? error.message : String(error)));
    }
  }
  return { encoded, poison };
}

/** Field by field: spreading a row of 15 took longer than the rest of its encoding. */
const eventOf = (row: OutboxRow): EncodableEvent => ({
  id: row.eventId,
  type: row.type,
  schemaVersion: row.schemaVersion,
  streamId: row.streamId,
  version: row.version,
  data: row.data,
  occurredAt: row.occurredAt,
  recordedAt: row.recordedAt,
  correlationId: row.correlationId,
  causationId: row.causationId,
  actor: row.actor,
  commandId: row.commandId,
  traceparent: row.traceparent,
});

function poisonOf({ seq, data }: OutboxRow, reason: string, detail: string, message?: OutgoingMessage): PoisonRow {
  return {
    seq,
    reason,
    detail,
    topic: message?.topic ?? null,
    headers: (message?.headers ?? {}) as Record<string, string>,
    value: message === undefined ? Buffer.from(data, 'utf8') : message.value,
  };
}
