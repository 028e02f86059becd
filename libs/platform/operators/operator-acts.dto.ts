import { ApiProperty } from '@nestjs/swagger';
import { IsUUID } from 'class-validator';
import { Criterion, WaitingSinceFilterDto, WholeNumber } from './operators.dto.js';

export class ListActsDto extends WaitingSinceFilterDto {
  @Criterion('Through which app.', 'relay')
  app?: string;

  @Criterion('What was done.', 'outbox.discard')
  act?: string;

  @Criterion('Who did it.', 'olga')
  actor?: string;

  @Criterion('Only acts on this stream, letter or order; a stream also finds acts on its single events.', 'order-2c7a')
  subject?: string;

  @WholeNumber(1, Number.MAX_SAFE_INTEGER, 'Only what is older than this number.')
  before?: number;

  @WholeNumber(1, 500, 'Most of them.', 100)
  limit?: number;
}

export class ActIdDto {
  @ApiProperty({ format: 'uuid' })
  @IsUUID()
  id: string;
}

export class OperatorActDto {
  @ApiProperty({ description: 'Of all acts; later ones have higher numbers.' })
  number: number;
  @ApiProperty({ format: 'uuid' })
  id: string;
  @ApiProperty({ example: 'relay' })
  app: string;
  @ApiProperty({ example: 'outbox.discard' })
  act: string;
  @ApiProperty()
  actor: string;
  @ApiProperty()
  reason: string;
  @ApiProperty({ type: String, nullable: true, description: 'The one thing it was about; null for an act by filter.' })
  subject: string | null;
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true })
  filter: object | null;
  @ApiProperty({ type: 'object', additionalProperties: true, nullable: true, description: 'What else was said, such as evidence.' })
  details: object | null;
  @ApiProperty({ description: 'How many it was about when it began.' })
  matched: number;
  @ApiProperty({ description: 'On how many it has been carried out so far.' })
  done: number;
  @ApiProperty()
  refused: number;
  @ApiProperty({ format: 'date-time' })
  actedAt: string;
}

export class OperatorActsDto {
  @ApiProperty({ type: [OperatorActDto] })
  items: OperatorActDto[];
}

export class ActEffectDto {
  @ApiProperty()
  subject: string;
  @ApiProperty({ enum: ['done', 'refused'] })
  outcome: string;
  @ApiProperty({ type: String, nullable: true })
  code: string | null;
  @ApiProperty({ type: String, nullable: true })
  detail: string | null;
  @ApiProperty({ format: 'date-time' })
  recordedAt: string;
}

export class InspectedActDto extends OperatorActDto {
  @ApiProperty({ type: [ActEffectDto], description: 'What came of it, in order; the first 1,000.' })
  effects: ActEffectDto[];
}
