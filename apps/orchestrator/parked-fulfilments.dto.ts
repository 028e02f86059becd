import { ApiProperty } from '@nestjs/swagger';
import { IsString, Length } from 'class-validator';

export class DecideParkedDto {
  @ApiProperty({
    description: 'Why the operator decides so; kept in the fulfilment’s history.',
    minLength: 1,
    maxLength: 500,
    example: 'gateway is back',
  })
  @IsString()
  @Length(1, 500)
  reason: string;
}

export class ParkedFulfilmentDto {
  @ApiProperty()
  orderId: string;
  @ApiProperty({ description: 'The step it stands at.', enum: ['authorize', 'capture', 'void', 'refund'] })
  step: string;
  @ApiProperty({ example: 'gateway-outcome-unknown' })
  code: string;
  @ApiProperty()
  detail: string;
  @ApiProperty({ format: 'date-time' })
  parkedAt: string;
  @ApiProperty()
  correlationId: string;
}

export class ParkedFulfilmentsDto {
  @ApiProperty({ type: [ParkedFulfilmentDto] })
  items: ParkedFulfilmentDto[];
}

export class FulfilmentResumedDto {
  @ApiProperty()
  orderId: string;
  @ApiProperty({ enum: ['retry', 'compensate'] })
  mode: string;
  @ApiProperty({ description: 'Id of the operator’s command, as the audit shows it.', format: 'uuid' })
  commandId: string;
}
