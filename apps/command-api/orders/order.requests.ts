import { ORDER_LIMITS } from '#domain';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, IsArray, IsEmail, IsObject, IsOptional, MaxLength, ValidateNested } from 'class-validator';
import { BusinessTime, Currency, Name, OptionalName, OptionalText, Sku, Text, Whole } from '../commands/fields.js';

export class OrderCustomerRequest {
  @Name(ORDER_LIMITS.customerId, { description: 'Pseudonymous key of the customer; starts with `guest-` for a guest.', example: '17850' })
  id: string;

  @OptionalText(ORDER_LIMITS.customerName, { example: 'Ada Lovelace' })
  name?: string | null;

  @ApiPropertyOptional({
    type: 'string',
    format: 'email',
    nullable: true,
    maxLength: ORDER_LIMITS.customerEmail,
    example: 'ada@example.org',
  })
  @IsOptional()
  @MaxLength(ORDER_LIMITS.customerEmail)
  @IsEmail()
  email?: string | null;

  @OptionalText(ORDER_LIMITS.country, { description: 'Country of delivery.', example: 'United Kingdom' })
  country?: string | null;
}

export class OrderLineRequest {
  @Sku()
  sku: string;

  @OptionalText(ORDER_LIMITS.description, { example: 'WHITE HANGING HEART T-LIGHT HOLDER' })
  description?: string | null;

  @Whole(1, ORDER_LIMITS.pieces, { description: `Pieces; at most ${ORDER_LIMITS.pieces} over all lines.`, example: 6 })
  quantity: number;

  @Whole(0, ORDER_LIMITS.total, {
    description: `Minor units (pence, cents) a piece; the order costs at most ${ORDER_LIMITS.total}.`,
    example: 255,
  })
  unitPrice: number;
}

export class PlaceOrderRequest {
  @OptionalName(ORDER_LIMITS.reference, { description: "The client's own name for the order.", example: '536365' })
  reference?: string | null;

  @ApiProperty({ type: () => OrderCustomerRequest })
  @IsObject()
  @ValidateNested()
  @Type(() => OrderCustomerRequest)
  customer: OrderCustomerRequest;

  @Currency()
  currency: string;

  @ApiProperty({
    type: () => [OrderLineRequest],
    minItems: 1,
    maxItems: ORDER_LIMITS.lines,
    description: 'A SKU may occur more than once, at different prices.',
  })
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(ORDER_LIMITS.lines)
  // ValidateNested alone lets a list inside the list pass
  @IsObject({ each: true })
  @ValidateNested({ each: true })
  @Type(() => OrderLineRequest)
  lines: OrderLineRequest[];

  @Text(ORDER_LIMITS.paymentToken, { description: 'Opaque token of the payment method, issued by the gateway.', example: 'tok_ok' })
  paymentToken: string;

  @BusinessTime({ description: 'When the order was placed. Default: now.' })
  placedAt?: string | null;
}

export class CancelOrderRequest {
  @Text(ORDER_LIMITS.reason, { example: 'Ordered twice.' })
  reason: string;

  @BusinessTime({ description: 'When it was cancelled. Default: now.' })
  cancelledAt?: string | null;
}
