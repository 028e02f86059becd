import { availableStock, type StockState } from '#domain';
import { ApiProperty } from '@nestjs/swagger';
import { CommandAccepted } from '../commands/command-accepted.js';

const pieces = (description: string) => ApiProperty({ type: 'integer', description });

export class StockChangedAnswer extends CommandAccepted {
  @ApiProperty({ description: 'In its one spelling.', example: '85123A' })
  sku: string;

  @pieces('Pieces in the house.')
  onHand: number;

  @pieces('Of these, set aside for orders.')
  reserved: number;

  @pieces('Of these, free to be promised.')
  available: number;
}

export class StockStateAnswer {
  @ApiProperty({ example: '85123A' })
  sku: string;

  @pieces('Pieces in the house.')
  onHand: number;

  @pieces('Of these, set aside for orders.')
  reserved: number;

  @pieces('Of these, free to be promised.')
  available: number;

  @pieces('Ever received.')
  received: number;

  @pieces('Sum of all adjustments.')
  adjusted: number;

  @pieces('Ever shipped.')
  shipped: number;

  @pieces('Ever come back.')
  returned: number;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Version of the stream; also the ETag.' })
  version: number;

  @ApiProperty()
  consistencyToken: string;
}

export const changedStock = (sku: string, state: StockState) => ({
  sku,
  onHand: state.onHand,
  reserved: state.reserved,
  available: availableStock(state),
});

export const stockAnswer = (sku: string, state: StockState) => ({
  ...changedStock(sku, state),
  received: state.received,
  adjusted: state.adjusted,
  shipped: state.shipped,
  returned: state.returned,
});
