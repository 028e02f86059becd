import { streamId } from '#domain';
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandOutcome } from '../commands/command-answer.js';
import type { CommandEnvelope } from '../commands/command-envelope.js';
import { stockLocation } from './sku.pipe.js';
import { changedStock } from './stock.answers.js';
import { StockCommands } from './stock-commands.js';
import type { ReceiveStockRequest } from './stock.requests.js';

export class ReceiveStock extends Command<CommandOutcome> {
  constructor(
    /** In its one spelling. */
    readonly sku: string,
    readonly request: ReceiveStockRequest,
    readonly envelope: CommandEnvelope,
  ) {
    super();
  }
}

@CommandHandler(ReceiveStock)
export class ReceiveStockHandler implements ICommandHandler<ReceiveStock> {
  constructor(@Inject(StockCommands) private readonly stock: StockCommands) {}

  execute({ sku, request, envelope }: ReceiveStock): Promise<CommandOutcome> {
    const { quantity, reference = null, receivedAt } = request;
    return this.stock.execute({
      streamId: streamId('stock', sku),
      envelope,
      occurredAt: receivedAt == null ? envelope.receivedAt : new Date(receivedAt).toISOString(),
      command: { type: 'ReceiveStock', data: { sku, quantity, reference } },
      accepted: (state) => ({ status: 201, location: stockLocation(sku), body: changedStock(sku, state) }),
    });
  }
}
