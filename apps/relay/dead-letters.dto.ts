import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsNotEmpty, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';

export class ListDeadLettersDto {
  @ApiProperty({
    required: false,
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    default: 0,
    description: 'Only what comes behind this one.',
  })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  after?: number;

  @ApiProperty({ required: false, minimum: 1, maximum: 500, default: 100 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(500)
  limit?: number;
}

export class DeadLetterSeqDto {
  @ApiProperty({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'Place in the outbox; the position of the event.' })
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  seq: number;
}

export class DecideDeadLetterDto {
  @ApiProperty({
    description: 'Why the operator decides so; kept for ever.',
    minLength: 1,
    maxLength: 500,
    example: 'limit of the topic was raised',
  })
  @IsString()
  @IsNotEmpty()
  @MaxLength(500)
  reason: string;
}

export class DeadLetterDto {
  @ApiProperty()
  seq: number;
  @ApiProperty({ example: 'order-2c7a' })
  streamId: string;
  @ApiProperty()
  version: number;
  @ApiProperty({ format: 'uuid' })
  eventId: string;
  @ApiProperty({ example: 'OrderPlaced' })
  type: string;
  @ApiProperty({ description: 'Stable code.', example: 'too-large' })
  reason: string;
  @ApiProperty()
  detail: string;
  @ApiProperty({ format: 'date-time' })
  parkedAt: string;
  @ApiProperty({ description: 'Later events of the stream that wait because of it.' })
  heldBack: number;
}

export class DeadLettersDto {
  @ApiProperty({ type: [DeadLetterDto] })
  items: DeadLetterDto[];
}

export class DeadLetterActionDto {
  @ApiProperty({ enum: ['parked', 'released', 'discarded'] })
  action: string;
  @ApiProperty()
  reason: string;
  @ApiProperty()
  actor: string;
  @ApiProperty({ format: 'date-time' })
  actedAt: string;
}

export class InspectedDeadLetterDto extends DeadLetterDto {
  @ApiProperty({ type: String, nullable: true, description: 'Where it would have gone.' })
  topic: string | null;
  @ApiProperty({ type: 'object', additionalProperties: { type: 'string' } })
  headers: Record<string, string>;
  @ApiProperty({ type: String, nullable: true, description: 'The value as it would have been sent, in base64.' })
  value: string | null;
  @ApiProperty({ type: [DeadLetterActionDto], description: 'What was done about it, oldest first.' })
  actions: DeadLetterActionDto[];
}

export class DeadLetterDecidedDto {
  @ApiProperty()
  seq: number;
  @ApiProperty({ enum: ['released', 'discarded'] })
  action: string;
}
