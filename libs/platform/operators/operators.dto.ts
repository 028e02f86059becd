import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsBoolean, IsInt, IsNotEmpty, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { IsInstant } from './instant.js';

/** A criterion of a filter: a name up to 200 characters. */
export const Criterion = (description: string, example: string): PropertyDecorator =>
  applyDecorators(
    ApiProperty({ required: false, minLength: 1, maxLength: 200, description, example }),
    IsOptional(),
    IsString(),
    IsNotEmpty(),
    MaxLength(200),
  );

const Moment = (description: string): PropertyDecorator =>
  applyDecorators(ApiProperty({ required: false, format: 'date-time', description }), IsOptional(), IsInstant());

/** A whole number of a query: given as text, within bounds. */
export const WholeNumber = (minimum: number, maximum: number, description: string, fallback?: number): PropertyDecorator =>
  applyDecorators(
    ApiProperty({ required: false, type: 'integer', minimum, maximum, description, ...(fallback !== undefined && { default: fallback }) }),
    IsOptional(),
    Type(() => Number),
    IsInt(),
    Min(minimum),
    Max(maximum),
  );

/** When something began to wait. */
export class WaitingSinceFilterDto {
  @Moment('Waits since this time or later.')
  from?: string;

  @Moment('Waits since before this time.')
  to?: string;
}

/** Which dead letters; every criterion given must hold. */
export class DeadLetterFilterDto extends WaitingSinceFilterDto {
  @Criterion('Stable code of the reason.', 'unknown-type')
  code?: string;

  @Criterion('Stream it belongs to.', 'order-2c7a')
  streamId?: string;

  @Criterion('Topic it came from, or would have gone to.', 'tidemark.order')
  topic?: string;
}

/** Why an operator decides so. */
export class DecideDto {
  @ApiProperty({ description: 'Why the operator decides so; kept for ever.', minLength: 1, maxLength: 500, example: 'fixed in 1.4.2' })
  @IsString()
  @IsNotEmpty()
  @MaxLength(500)
  reason: string;
}

/** An act on all that match: at most `limit` of them a call. Further filters come with the operation. */
export class ActByFilterDto extends DecideDto {
  @ApiProperty({ required: false, default: false, description: 'Only count and show what it would be about; nothing is done.' })
  @IsOptional()
  @IsBoolean()
  dryRun?: boolean;

  @ApiProperty({ required: false, type: 'integer', minimum: 1, maximum: 500, default: 100, description: 'Most of them in this call.' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(500)
  limit?: number;

  @ApiProperty({ required: false, maxLength: 200, description: '`next` of the call before: go on behind what that one was about.' })
  @IsOptional()
  @IsString()
  @IsNotEmpty()
  @MaxLength(200)
  after?: string;
}

export class RefusalDto {
  @ApiProperty({ description: 'Stream, letter or order.' })
  subject: string;
  @ApiProperty({ description: 'Stable code.' })
  code: string;
  @ApiProperty()
  detail: string;
}

/** How far one call of an act by filter came. */
export class ActedByFilterDto {
  @ApiProperty({ type: String, format: 'uuid', nullable: true, description: 'The record of it, see /operator-acts; null for a dry run.' })
  actId: string | null;
  @ApiProperty()
  dryRun: boolean;
  @ApiProperty({ description: 'How many matched when the call began, those beyond `limit` included.' })
  matched: number;
  @ApiProperty({ description: 'On how many of them it was carried out.' })
  done: number;
  @ApiProperty({ description: 'How many of them it was tried on in vain; they wait as before.' })
  refused: number;
  @ApiProperty({ type: [RefusalDto], description: 'The first 20 of these.' })
  refusals: RefusalDto[];
  @ApiProperty({ description: 'How many this call left for the next.' })
  remaining: number;
  @ApiProperty({ type: String, nullable: true, description: 'Give it as `after` to go on; null when nothing is left.' })
  next: string | null;
  @ApiProperty({ type: [String], description: 'What it was, or would be, about: the first 20.' })
  subjects: string[];
}

/** Bytes as they came or would have gone out, and what they say when they are text. */
export class OriginalBytesDto {
  @ApiProperty({ description: 'In base64.' })
  base64: string;
  @ApiProperty({ type: String, nullable: true, description: 'Decoded when they are readable UTF-8 text, otherwise null.' })
  text: string | null;
}

export class OriginalHeaderDto extends OriginalBytesDto {
  @ApiProperty({ example: 'ce_type' })
  name: string;
}

// oxlint-disable-next-line no-control-regex -- that is what makes bytes no text
const NO_TEXT = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

export function originalBytes(bytes: Buffer): OriginalBytesDto {
  return { base64: bytes.toString('base64'), text: textOf(bytes) };
}

function textOf(bytes: Buffer): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return NO_TEXT.test(text) ? null : text;
  } catch {
    return null;
  }
}
