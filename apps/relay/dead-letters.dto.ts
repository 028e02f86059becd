import { ActByFilterDto, DeadLetterFilterDto, OriginalBytesDto, WholeNumber } from '#platform';
import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsDefined, IsInt, IsObject, Max, Min, ValidateNested } from 'class-validator';

export class ListDeadLettersDto extends DeadLetterFilterDto {
  @WholeNumber(0, Number.MAX_SAFE_INTEGER, 'Only what comes behind this one.', 0)
  after?: number;

  @WholeNumber(1, 500, 'Most of them.', 100)
  limit?: number;
}

export class ListBlockedStreamsDto {
  @WholeNumber(1, 500, 'Most of them.', 100)
  limit?: number;
}

export class DecideDeadLettersDto extends ActByFilterDto {
  @ApiProperty({ type: DeadLetterFilterDto, description: 'At least one criterion; all given must hold.' })
  @IsDefined()
  @IsObject()
  @ValidateNested()
  @Type(() => DeadLetterFilterDto)
  filter: DeadLetterFilterDto;
}

export class DeadLetterSeqDto {
  @ApiProperty({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'Place in the outbox; the position of the event.' })
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  seq: number;
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
  @ApiProperty({ description: 'Since then.' })
  heldForSeconds: number;
  @ApiProperty({ description: 'Later events of the stream that wait because of it.' })
  heldBack: number;
}

export class DeadLettersDto {
  @ApiProperty({ type: [DeadLetterDto] })
  items: DeadLetterDto[];
}

export class BlockedStreamDto {
  @ApiProperty({ example: 'order-2c7a' })
  streamId: string;
  @ApiProperty({ description: 'Of the event it waits for.', example: 'too-large' })
  code: string;
  @ApiProperty({ format: 'date-time' })
  since: string;
  @ApiProperty({ description: 'Since then.' })
  seconds: number;
  @ApiProperty({ description: 'Events of it that could not be published.' })
  letters: number;
  @ApiProperty({ description: 'Events that wait behind them.' })
  waiting: number;
}

export class BlockedStreamsDto {
  @ApiProperty({ type: [BlockedStreamDto] })
  items: BlockedStreamDto[];
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
  @ApiProperty({ type: OriginalBytesDto, nullable: true, description: 'The value as it would have been sent.' })
  value: OriginalBytesDto | null;
  @ApiProperty({ type: [DeadLetterActionDto], description: 'What was done about it, oldest first.' })
  actions: DeadLetterActionDto[];
}

export class DeadLetterDecidedDto {
  @ApiProperty()
  seq: number;
  @ApiProperty({ enum: ['released', 'discarded'] })
  action: string;
}
