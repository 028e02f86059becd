import { HandlerErrorFilter, TOPICS, type EventBatch } from '#messaging';
import { Controller, Inject, UseFilters } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { Projector } from './projector.js';

/** One handler a topic: what it feeds is in the catalogue of projections. */
@Controller()
@UseFilters(HandlerErrorFilter)
export class ProjectionsController {
  constructor(@Inject(Projector) private readonly projector: Projector) {}

  @EventPattern(TOPICS.order)
  async order(@Payload() batch: EventBatch): Promise<void> {
    await this.projector.apply('order', batch.messages);
  }

  @EventPattern(TOPICS.stock)
  async stock(@Payload() batch: EventBatch): Promise<void> {
    await this.projector.apply('stock', batch.messages);
  }

  @EventPattern(TOPICS.fulfilment)
  async fulfilment(@Payload() batch: EventBatch): Promise<void> {
    await this.projector.apply('fulfilment', batch.messages);
  }
}
