import { BusinessTime, Delta, OptionalText, Text, Whole } from '../commands/fields.js';

const MAX_QUANTITY = 1_000_000_000;

export class ReceiveStockRequest {
  @Whole(1, MAX_QUANTITY, { description: 'Pieces.', example: 100 })
  quantity: number;

  @OptionalText(100, { description: "The client's own name for the receipt.", example: 'delivery-4711' })
  reference?: string | null;

  @BusinessTime({ description: 'When the goods came. Default: now.' })
  receivedAt?: string | null;
}

export class AdjustStockRequest {
  @Delta(MAX_QUANTITY, { description: 'Pieces found (positive) or written off (negative).', example: -3 })
  delta: number;

  @Text(500, { example: 'Broken.' })
  reason: string;

  @BusinessTime({ description: 'When it was found out. Default: now.' })
  adjustedAt?: string | null;
}
