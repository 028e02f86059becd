import { ActByFilterDto, Criterion, DecideDto, WaitingSinceFilterDto, WholeNumber } from '#platform';
import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsDefined, IsIn, IsObject, IsString, Length, Matches, ValidateNested } from 'class-validator';

export class ParkedFilterDto extends WaitingSinceFilterDto {
  @Criterion('The step it stands at: authorize, capture, void or refund.', 'refund')
  step?: string;

  @Criterion('Why it cannot go on by itself.', 'gateway-outcome-unknown')
  code?: string;
}

export class ListParkedDto extends ParkedFilterDto {
  @WholeNumber(1, 500, 'Most of them.', 500)
  limit?: number;
}

const OUTCOMES = ['done', 'not-done'] as const;

const Outcome = (): PropertyDecorator =>
  applyDecorators(
    ApiProperty({
      enum: OUTCOMES,
      description: 'What became of the step. A void or a refund can only be done: otherwise it is tried again.',
    }),
    IsIn(OUTCOMES),
  );

const Evidence = (): PropertyDecorator =>
  applyDecorators(
    ApiProperty({
      minLength: 1,
      maxLength: 2_000,
      pattern: '\\S',
      description: 'What was found, in words; kept in the fulfilment’s history.',
    }),
    IsString(),
    Length(1, 2_000),
    Matches(/\S/, { message: 'evidence must not be blank' }),
  );

const Reference = (): PropertyDecorator =>
  applyDecorators(
    ApiProperty({
      minLength: 1,
      maxLength: 200,
      pattern: '^[^\\x00-\\x1f\\x7f]*\\S[^\\x00-\\x1f\\x7f]*$',
      description: 'Where it can be looked up: a transaction, a ticket, a document.',
      example: 'CASE-4711',
    }),
    IsString(),
    Length(1, 200),
    Matches(/^\P{Cc}*[^\s\p{Cc}]\P{Cc}*$/u, { message: 'reference must not be blank, nor hold control characters' }),
  );

export class ResolveParkedDto extends DecideDto {
  @Outcome()
  outcome: (typeof OUTCOMES)[number];

  @Evidence()
  evidence: string;

  @Reference()
  reference: string;
}

export class DecideAllParkedDto extends ActByFilterDto {
  @ApiProperty({ type: ParkedFilterDto, description: 'At least one criterion; all given must hold.' })
  @IsDefined()
  @IsObject()
  @ValidateNested()
  @Type(() => ParkedFilterDto)
  filter: ParkedFilterDto;
}

export class ResolveAllParkedDto extends DecideAllParkedDto {
  @Outcome()
  outcome: (typeof OUTCOMES)[number];

  @Evidence()
  evidence: string;

  @Reference()
  reference: string;
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
  @ApiProperty({ description: 'Since then.' })
  seconds: number;
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

export class FulfilmentResolvedDto {
  @ApiProperty()
  orderId: string;
  @ApiProperty({ enum: OUTCOMES })
  outcome: string;
  @ApiProperty({ description: 'Id of the operator’s command, as the audit shows it.', format: 'uuid' })
  commandId: string;
}
