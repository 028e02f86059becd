import { ActByFilterDto, DeadLetterFilterDto, OriginalBytesDto, OriginalHeaderDto, WholeNumber } from '#platform';
import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsDefined, IsIn, IsInt, IsNotEmpty, IsObject, IsOptional, IsString, Max, MaxLength, Min, ValidateNested } from 'class-validator';

import type { DeadLetterState } from '../dead-letter-rows.js';

const STATES = ['held', 'released', 'discarded'] as const satisfies readonly DeadLetterState[];

export class ListDeadLettersDto extends DeadLetterFilterDto {
  @ApiProperty({ required: false, enum: STATES })
  @IsOptional()
  @IsIn(STATES)
  state?: DeadLetterState;

  @WholeNumber(1, Number.MAX_SAFE_INTEGER, 'Only what is older than this one.')
  before?: number;

  @WholeNumber(1, 500, 'Most of them.', 100)
  limit?: number;
}

export class ListParkedStreamsDto extends DeadLetterFilterDto {
  @WholeNumber(1, 500, 'Most of them.', 100)
  limit?: number;
}

export class DecideLettersDto extends ActByFilterDto {
  @ApiProperty({ type: DeadLetterFilterDto, description: 'At least one criterion; all given must hold.' })
  @IsDefined()
  @IsObject()
  @ValidateNested()
  @Type(() => DeadLetterFilterDto)
  filter: DeadLetterFilterDto;
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
  @ApiProperty({ description: 'Stable code; `stream-parked` for those that only wait.', example: 'unknown-type' })
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

export class InspectedLetterDto extends DeadLetterDto {
  @ApiProperty({ type: OriginalBytesDto, nullable: true, description: 'The key as it came.' })
  key: OriginalBytesDto | null;
  @ApiProperty({ type: OriginalBytesDto, nullable: true, description: 'The value as it came; null for a tombstone.' })
  value: OriginalBytesDto | null;
  @ApiProperty({ type: [OriginalHeaderDto], description: 'The headers as they came, by name; one given more than once is here as often.' })
  headers: OriginalHeaderDto[];
}

export class ParkedStreamDto {
  @ApiProperty()
  streamId: string;
  @ApiProperty({ description: 'Of the letter that parked it.', example: 'unknown-type' })
  code: string;
  @ApiProperty()
  reason: string;
  @ApiProperty({ format: 'date-time', description: 'Blocked since then.' })
  parkedAt: string;
  @ApiProperty({ description: 'Since then.' })
  seconds: number;
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

export class DeadLetterReleasedDto {
  @ApiProperty()
  id: number;
  @ApiProperty({ description: 'Events that were applied: this one, and all others held for its stream.' })
  delivered: number;
}

export class DeadLetterDiscardedDto {
  @ApiProperty()
  id: number;
  @ApiProperty({ enum: ['discarded'] })
  state: string;
}
