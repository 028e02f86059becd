import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsDate, IsIn, IsInt, IsOptional, IsString, Matches, Max, MaxLength, Min, MinLength } from 'class-validator';
import { DomainError, MAX_SKU_LENGTH, normalizeSku, SKU_PATTERN } from '#domain';
import { MAX_TOKEN_LENGTH, TOKEN_PATTERN } from './consistency-token.js';
import { parseInstant } from './instant.js';

/** No control characters: nothing we store under a name has one, and a terminal should not be handed one. */
const PLAIN_TEXT = /^[^\p{Cc}\p{Cs}]*$/u;
const TRUTH: Readonly<Record<string, boolean>> = { true: true, false: false };

/** A whole number within bounds (inclusive), or `fallback`. `1e3`, `0x10`, ` 5` and a repeated parameter are refused, not guessed at. */
export function WholeNumber(min: number, max: number, description: string, fallback?: number): PropertyDecorator {
  return applyDecorators(
    IsOptional(),
    Transform(({ value }) => (typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value)),
    IsInt({ message: `must be a whole number from ${min} to ${max}` }),
    Min(min),
    Max(max),
    ApiPropertyOptional({ type: 'integer', minimum: min, maximum: max, default: fallback, description }),
  );
}

/** A moment of time, or a day (its midnight UTC). */
export function Instant(description: string): PropertyDecorator {
  return applyDecorators(
    IsOptional(),
    Transform(({ value }) => parseInstant(value) ?? value),
    IsDate({ message: 'must be an ISO 8601 time with a zone, like 2010-12-01T08:26:00Z, or a day, like 2010-12-01' }),
    ApiPropertyOptional({
      anyOf: [
        { type: 'string', format: 'date-time' },
        { type: 'string', format: 'date' },
      ],
      description: `${description} ISO 8601 with a zone, or a day.`,
      example: '2010-12-01T00:00:00Z',
    } as never),
  );
}

/** A name as the client wrote it; optional in a query, required in a path. */
export function Text(maxLength: number, description: string, example?: string, where: 'query' | 'path' = 'query'): PropertyDecorator {
  const document = { type: String, minLength: 1, maxLength, pattern: PLAIN_TEXT.source, description, example };
  return applyDecorators(
    ...(where === 'query' ? [IsOptional()] : []),
    IsString(),
    MinLength(1),
    MaxLength(maxLength),
    Matches(PLAIN_TEXT, { message: 'must hold no control characters' }),
    where === 'query' ? ApiPropertyOptional(document) : ApiProperty(document),
  );
}

/** A SKU in any case, read as the one spelling we keep; optional in a query, required in a path. */
export function Sku(description: string, where: 'query' | 'path' = 'query'): PropertyDecorator {
  const document = { type: String, minLength: 1, maxLength: MAX_SKU_LENGTH, pattern: SKU_PATTERN, description, example: '85123A' };
  return applyDecorators(
    ...(where === 'query' ? [IsOptional()] : []),
    Transform(({ value }) => (typeof value === 'string' ? normalizedOrEmpty(value) : value)),
    IsString(),
    MinLength(1, { message: 'must be a SKU' }),
    Matches(PLAIN_TEXT, { message: 'must hold no control characters' }),
    where === 'query' ? ApiPropertyOptional(document) : ApiProperty(document),
  );
}

/** A parameter that is no SKU is the client's mistake (400); the domain's error would be a broken rule (409). */
function normalizedOrEmpty(raw: string): string {
  if (raw.length > MAX_SKU_LENGTH) return '';
  try {
    return normalizeSku(raw);
  } catch (error) {
    if (error instanceof DomainError) return '';
    throw error;
  }
}

export function OneOf(values: readonly string[], description: string, fallback?: string): PropertyDecorator {
  return applyDecorators(IsOptional(), IsIn(values), ApiPropertyOptional({ enum: values, default: fallback, description }));
}

export function YesOrNo(description: string): PropertyDecorator {
  return applyDecorators(
    IsOptional(),
    Transform(({ value }) => TRUTH[String(value)] ?? value),
    IsIn([true, false], { message: 'must be true or false' }),
    ApiPropertyOptional({ type: Boolean, description }),
  );
}

export const DEFAULT_WAIT_MS = 2_000;
export const MAX_WAIT_MS = 10_000;

/** What every read takes. */
export class ReadParams {
  @IsOptional()
  @IsString()
  @MaxLength(MAX_TOKEN_LENGTH)
  @Matches(TOKEN_PATTERN, { message: 'must be a Consistency-Token, like order-7f0e@3' })
  @ApiPropertyOptional({
    description: 'Consistency token of a command (`<stream>@<version>`), as in the body of its answer: the answer is at least that new.',
    example: 'order-01890a5d-ac96-774b-bcce-b302099a8057@1',
    maxLength: MAX_TOKEN_LENGTH,
    pattern: TOKEN_PATTERN.source,
  })
  consistentWith?: string;

  @WholeNumber(0, MAX_WAIT_MS, 'Milliseconds to wait for the token before 503.', DEFAULT_WAIT_MS)
  waitMs: number = DEFAULT_WAIT_MS;
}

export const MAX_LIMIT = 200;
export const DEFAULT_LIMIT = 50;

/** What every list takes beside its filters. */
export class PageParams extends ReadParams {
  @WholeNumber(1, MAX_LIMIT, 'Rows a page.', DEFAULT_LIMIT)
  limit: number = DEFAULT_LIMIT;

  @IsOptional()
  @IsString()
  @MaxLength(1_000)
  @ApiPropertyOptional({ type: String, maxLength: 1_000, description: '`nextCursor` of the page before, with the same filters.' })
  cursor?: string;
}

/** ISO 4217, upper case. */
export function Currency(): PropertyDecorator {
  return applyDecorators(
    IsOptional(),
    Matches(/^[A-Z]{3}$/, { message: 'must be three capital letters (ISO 4217)' }),
    ApiPropertyOptional({
      type: String,
      pattern: '^[A-Z]{3}$',
      default: DEFAULT_CURRENCY,
      description: 'Sums of money are over orders in this currency.',
    }),
  );
}

export const DEFAULT_CURRENCY = 'GBP';
