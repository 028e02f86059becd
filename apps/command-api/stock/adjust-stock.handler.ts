import { streamId } from '#domain';
import { Inject } from '@nestjs/common';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandOutcome } from '../commands/command-answer.js';
import type { CommandEnvelope } from '../commands/command-envelope.js';
import { stockLocation } from './sku.pipe.js';
import { changedStock } from './stock.answers.js';
import { StockCommands } from './stock-commands.js';
import type { AdjustStockRequest } from './stock.requests.js';

export class AdjustStock extends Command<CommandOutcome> {
  constructor(
    /** In its one spelling. */
    readonly sku: string,
    readonly request: AdjustStockRequest,
    readonly envelope: CommandEnvelope,
  ) {
    super();
  }
}

@CommandHandler(AdjustStock)
export class AdjustStockHandler implements ICommandHandler<AdjustStock> {
  constructor(@Inject(StockCommands) private readonly stock: StockCommands) {}

  execute({ sku, request, envelope }: AdjustStock): Promise<CommandOutcome> {
    const { delta, reason, adjustedAt } = request;
    return this.stock.execute({
      streamId: streamId('stock', sku),
      envelope,
      occurredAt: adjustedAt == null ? envelope.receivedAt : new Date(adjustedAt).toISOString(),
      command: { type: 'AdjustStock', data: { sku, delta, reason } },
      accepted: (state) => ({ status: 201, location: stockLocation(sku), body: changedStock(sku, state) }),
    });
  }
}
