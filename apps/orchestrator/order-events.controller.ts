import { DomainError, type FulfilmentInput } from '#domain';
import { failpoints } from '#failpoints';
import { HandlerErrorFilter, PoisonEventError, TOPICS, type EventBatch, type EventMessage } from '#messaging';
import { Controller, UseFilters } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { Admission } from './admission.js';
import { FulfilmentRunner } from './fulfilment-runner.js';
import { inputOf } from './order-message.js';

/**
 * What happens to orders, as the saga hears it from Kafka. A repeated message changes nothing: the saga has already taken its step.
 * While there is no room for more actions the batch waits half done; when none comes in time it comes again as a whole.
 */
@Controller()
@UseFilters(HandlerErrorFilter)
export class OrderEventsController {
  constructor(
    private readonly runner: FulfilmentRunner,
    private readonly admission: Admission,
  ) {}

  @EventPattern(TOPICS.order)
  async onOrderEvents(@Payload() batch: EventBatch): Promise<void> {
    if (failpoints.armed) await failpoints.reach('orchestrator.consumed');
    const failures: unknown[] = [];
    const submitted: Promise<unknown>[] = [];
    for (const message of batch.messages) {
      let input: FulfilmentInput | undefined;
      try {
        input = inputOf(message);
        if (input === undefined) continue;
        await this.admission.enter();
      } catch (error) {
        failures.push(error);
        break;
      }
      const decided = this.submit(message, input).catch((error: unknown) => failures.push(error));
      submitted.push(decided.finally(() => this.admission.leave()));
    }
    // All of them, also after a failure: what comes again must not meet its own first try still under way.
    await Promise.all(submitted);
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
