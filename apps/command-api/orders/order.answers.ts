import type { OrderState } from '#domain';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { CommandAccepted } from '../commands/command-accepted.js';

const STATUSES = ['placed', 'confirmed', 'rejected', 'cancelled'];

export class OrderPlacedAnswer extends CommandAccepted {
  @ApiProperty({ format: 'uuid' })
  orderId: string;

  @ApiProperty({ enum: STATUSES })
  status: string;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Minor units.' })
  total: number;

  @ApiProperty({ example: 'GBP' })
  currency: string;
}

export class OrderCancelledAnswer extends CommandAccepted {
  @ApiProperty({ format: 'uuid' })
  orderId: string;

  @ApiProperty({ enum: STATUSES })
  status: string;
}

class OrderLineAnswer {
  @ApiProperty({ type: 'integer', minimum: 1 })
  lineNo: number;

  @ApiProperty()
  sku: string;

  @ApiProperty({ type: 'string', nullable: true })
  description: string | null;

  @ApiProperty({ type: 'integer', minimum: 1 })
  quantity: number;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Minor units a piece.' })
  unitPrice: number;
}

export class OrderStateAnswer {
  @ApiProperty({ format: 'uuid' })
  orderId: string;

  @ApiProperty({ enum: STATUSES })
  status: string;

  @ApiProperty({ type: 'string', nullable: true })
  reference: string | null;

  @ApiProperty()
  customerId: string;

  @ApiProperty({ example: 'GBP' })
  currency: string;

  @ApiProperty({ type: 'integer', minimum: 0, description: 'Minor units.' })
  total: number;

  @ApiProperty({ type: () => [OrderLineAnswer] })
  lines: OrderLineAnswer[];

  @ApiPropertyOptional({ description: 'Why it was rejected or cancelled.' })
  refusal?: string;

  @ApiProperty({ type: 'integer', minimum: 1, description: 'Version of the stream; also the ETag.' })
  version: number;

  @ApiProperty()
  consistencyToken: string;
}

export function orderAnswer(order: Exclude<OrderState, { status: 'absent' }>): Omit<OrderStateAnswer, 'version' | 'consistencyToken'> {
  const { orderId, status, reference, customerId, currency, total, lines } = order;
  const refusal = order.status === 'rejected' ? order.reason.code : order.status === 'cancelled' ? order.reason : undefined;
  return { orderId, status, reference, customerId, currency, total, lines: [...lines], ...(refusal === undefined ? {} : { refusal }) };
}
