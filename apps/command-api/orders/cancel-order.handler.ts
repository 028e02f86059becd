import { streamId } from '#domain';
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandOutcome } from '../commands/command-answer.js';
import type { CommandEnvelope } from '../commands/command-envelope.js';
import { OrderCommands } from './order-commands.js';
import type { CancelOrderRequest } from './order.requests.js';

export class CancelOrder extends Command<CommandOutcome> {
  constructor(
    readonly orderId: string,
    readonly request: CancelOrderRequest,
    readonly envelope: CommandEnvelope,
  ) {
    super();
  }
}

/** Cancelling is only stated here: giving money and goods back is the fulfilment's work. */
@CommandHandler(CancelOrder)
export class CancelOrderHandler implements ICommandHandler<CancelOrder> {
  constructor(@Inject(OrderCommands) private readonly orders: OrderCommands) {}

  execute({ orderId, request, envelope }: CancelOrder): Promise<CommandOutcome> {
    const { reason, cancelledAt } = request;
    return this.orders.execute({
      streamId: streamId('order', orderId),
      envelope,
      occurredAt: cancelledAt == null ? envelope.receivedAt : new Date(cancelledAt).toISOString(),
      command: { type: 'CancelOrder', data: { orderId, reason } },
      accepted: ({ status }) => ({ status: 200, body: { orderId, status } }),
    });
  }
}
