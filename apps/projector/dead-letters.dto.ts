import type { DeadLetterState } from '#messaging';
import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsNotEmpty, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';

const STATES = ['held', 'released', 'discarded'] as const satisfies readonly DeadLetterState[];

export class ListDeadLettersDto {
  @ApiProperty({ required: false, maxLength: 200, example: 'order-2c7a' })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  streamId?: string;

  @ApiProperty({ required: false, enum: STATES })
  @IsOptional()
  @IsIn(STATES)
  state?: DeadLetterState;

  @ApiProperty({ required: false, minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'Only what is older than this one.' })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  before?: number;

  @ApiProperty({ required: false, minimum: 1, maximum: 500, default: 100 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(500)
  limit?: number;
}

export class DeadLetterIdDto {
  @ApiProperty({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  id: number;
}

export class StreamIdDto {
  @ApiProperty({ maxLength: 200, example: 'order-2c7a' })
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  streamId: string;
}

export class DecideDto {
  @ApiProperty({ description: 'Why the operator decides so; kept for ever.', minLength: 1, maxLength: 500, example: 'fixed in 1.4.2' })
  @IsString()
  @IsNotEmpty()
  @MaxLength(500)
  reason: string;
}

export class DeadLetterDto {
  @ApiProperty()
  id: number;
  @ApiProperty({ example: 'tidemark.order' })
  topic: string;
  @ApiProperty()
  partition: number;
  @ApiProperty({ description: 'Decimal digits.' })
  offset: string;
  @ApiProperty({ type: String, nullable: true, description: 'null when the message does not say.' })
  streamId: string | null;
  @ApiProperty({ description: 'Stable code.', example: 'unknown-type' })
  code: string;
  @ApiProperty()
  reason: string;
  @ApiProperty({ enum: STATES })
  state: DeadLetterState;
  @ApiProperty({ format: 'date-time' })
  recordedAt: string;
  @ApiProperty({ type: String, format: 'date-time', nullable: true })
  resolvedAt: string | null;
  @ApiProperty({ type: String, nullable: true })
  resolvedBy: string | null;
  @ApiProperty({ type: String, nullable: true })
  note: string | null;
}

export class DeadLettersDto {
  @ApiProperty({ type: [DeadLetterDto] })
  items: DeadLetterDto[];
}

export class ParkedStreamDto {
  @ApiProperty()
  streamId: string;
  @ApiProperty({ description: 'Of the letter that parked it.', example: 'unknown-type' })
  code: string;
  @ApiProperty()
  reason: string;
  @ApiProperty({ format: 'date-time' })
  parkedAt: string;
  @ApiProperty({ description: 'Letters that wait.' })
  held: number;
}

export class ParkedStreamsDto {
  @ApiProperty({ type: [ParkedStreamDto] })
  items: ParkedStreamDto[];
}

export class StreamReleasedDto {
  @ApiProperty()
  streamId: string;
  @ApiProperty({ description: 'Events that were applied, in order.' })
  delivered: number;
}

export class DeadLetterDiscardedDto {
  @ApiProperty()
  id: number;
  @ApiProperty({ enum: ['discarded'] })
  state: string;
}
