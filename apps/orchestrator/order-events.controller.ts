import { DomainError, type FulfilmentInput, type OrderCancelled, type OrderPlaced } from '#domain';
import { PoisonEventError, TOPICS, type EventBatch, type EventMessage } from '#messaging';
import { Controller } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { FulfilmentRunner } from './fulfilment-runner.js';

/** What happens to orders, as the saga hears it from Kafka. A repeated message changes nothing: the saga has already taken its step. */
@Controller()
export class OrderEventsController {
  constructor(private readonly runner: FulfilmentRunner) {}

  @EventPattern(TOPICS.order)
  async onOrderEvents(@Payload() batch: EventBatch): Promise<void> {
    const submitted = batch.messages.flatMap((message) => {
      const input = inputOf(message);
      return input === undefined ? [] : [this.submit(message, input)];
    });
    // All of them, also after a failure: what comes again must not meet its own first try still under way.
    const results = await Promise.allSettled(submitted);
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    if (failures.length > 0) throw failures.find((failure) => failure instanceof PoisonEventError) ?? failures[0];
  }

  private async submit(message: EventMessage, input: FulfilmentInput): Promise<void> {
    const orderId = message.streamId.slice('order-'.length);
    const { correlationId, traceparent } = message;
    try {
      await this.runner.submit(orderId, input, { correlationId, causationId: message.id, actor: 'system:orchestrator', traceparent });
    } catch (error) {
      // A rule that refuses an event of ours will refuse it again: it is poison, its order is set aside and seen by an operator.
      if (error instanceof DomainError) throw new PoisonEventError(message, error.code, error.message);
      throw error;
    }
  }
}

function inputOf(message: EventMessage): FulfilmentInput | undefined {
  switch (message.type) {
    case 'OrderPlaced': {
      const { orderId, lines, total, currency, paymentToken } = message.data as OrderPlaced['data'];
      const quantities = new Map<string, number>();
      for (const { sku, quantity } of lines) quantities.set(sku, (quantities.get(sku) ?? 0) + quantity);
      const items = [...quantities].map(([sku, quantity]) => ({ sku, quantity }));
      return { type: 'StartFulfilment', orderId, items, amount: total, currency, paymentToken };
    }
    case 'OrderCancelled':
      return { type: 'RequestCancellation', reason: (message.data as OrderCancelled['data']).reason };
    default:
      return undefined;
  }
}
