import { streamId, type OrderState } from '#domain';
import { newId } from '#platform';
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Acceptance, CommandOutcome } from '../commands/command-answer.js';
import type { CommandEnvelope } from '../commands/command-envelope.js';
import { OrderCommands } from './order-commands.js';
import type { PlaceOrderRequest } from './order.requests.js';

export class PlaceOrder extends Command<CommandOutcome> {
  constructor(
    readonly request: PlaceOrderRequest,
    readonly envelope: CommandEnvelope,
  ) {
    super();
  }
}

@CommandHandler(PlaceOrder)
export class PlaceOrderHandler implements ICommandHandler<PlaceOrder> {
  constructor(@Inject(OrderCommands) private readonly orders: OrderCommands) {}

  execute({ request, envelope }: PlaceOrder): Promise<CommandOutcome> {
    const orderId = newId();
    const { reference = null, customer, currency, lines, paymentToken, placedAt } = request;
    return this.orders.execute({
      streamId: streamId('order', orderId),
      isNew: true,
      envelope,
      occurredAt: placedAt == null ? envelope.receivedAt : new Date(placedAt).toISOString(),
      command: {
        type: 'PlaceOrder',
        data: {
          orderId,
          reference,
          customer: { id: customer.id, name: customer.name ?? null, email: customer.email ?? null, country: customer.country ?? null },
          currency,
          lines: lines.map(({ sku, description = null, quantity, unitPrice }) => ({ sku, description, quantity, unitPrice })),
          paymentToken,
        },
      },
      accepted: placed,
    });
  }
}

function placed(order: OrderState): Acceptance {
  if (order.status === 'absent') throw new TypeError('an order that was just placed is absent');
  const { orderId, status, total, currency } = order;
  return { status: 201, location: `/orders/${orderId}`, body: { orderId, status, total, currency } };
}
