/**
 * The kinds of fields our requests are made of: each decorator validates and documents at once, so that the OpenAPI document cannot
 * promise another limit than the one enforced. Lengths are UTF-16 units, as in the domain.
 */
import { CURRENCY_CODES, isCurrency, isPlainText, MAX_SKU_LENGTH, normalizeSku, SKU_PATTERN } from '#domain';
import { applyDecorators } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsOptional, ValidateBy } from 'class-validator';
import { BUSINESS_TIME, parseBusinessTime } from './business-time.js';

interface Doc {
  readonly description?: string;
  readonly example?: unknown;
  readonly pattern?: string;
}

/** Text that is not blank. */
export const Text = (maxLength: number, doc: Doc = {}): PropertyDecorator =>
  applyDecorators(
    ApiProperty({ type: 'string', minLength: 1, maxLength, pattern: '^[^\\u0000]*[^\\s\\u0000][^\\u0000]*$', ...doc }),
    rule(
      'text',
      `must be text of 1 to ${maxLength} characters that is not blank`,
      (value) => isText(value, maxLength) && value.trim() !== '',
    ),
  );

/** Text that may be missing, null or blank: all three are the same. */
export const OptionalText = (maxLength: number, doc: Doc = {}): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({ type: 'string', nullable: true, maxLength, pattern: '^[^\\u0000]*$', ...doc }),
    IsOptional(),
    rule('text', `must be text of at most ${maxLength} characters`, (value) => isText(value, maxLength)),
  );

/** Text that things are looked up by: the query API takes no control characters, and so none are stored. */
export const Name = (maxLength: number, doc: Doc = {}): PropertyDecorator =>
  applyDecorators(Text(maxLength, { ...doc, pattern: '^[^\\p{Cc}\\p{Cs}]*[^\\s\\p{Cc}\\p{Cs}][^\\p{Cc}\\p{Cs}]*$' }), plain());

/** Like Name, and may be missing, null or blank. */
export const OptionalName = (maxLength: number, doc: Doc = {}): PropertyDecorator =>
  applyDecorators(OptionalText(maxLength, { ...doc, pattern: '^(?:\\s*|[^\\p{Cc}\\p{Cs}]*)$' }), plain());

/** A whole number within inclusive bounds. */
export const Whole = (minimum: number, maximum: number, doc: Doc = {}): PropertyDecorator =>
  applyDecorators(
    ApiProperty({ type: 'integer', minimum, maximum, ...doc }),
    rule('whole', `must be a whole number from ${minimum} to ${maximum}`, (value) => isWhole(value, minimum, maximum)),
  );

/** A whole number other than 0, at most `limit` in size. */
export const Delta = (limit: number, doc: Doc = {}): PropertyDecorator =>
  applyDecorators(
    ApiProperty({ type: 'integer', minimum: -limit, maximum: limit, not: { const: 0 } as never, ...doc }),
    rule(
      'delta',
      `must be a whole number other than 0, from ${-limit} to ${limit}`,
      (value) => isWhole(value, -limit, limit) && value !== 0,
    ),
  );

export const Sku = (): PropertyDecorator =>
  applyDecorators(
    ApiProperty({
      type: 'string',
      minLength: 1,
      maxLength: MAX_SKU_LENGTH,
      pattern: SKU_PATTERN,
      description: SKU_DESCRIPTION,
      example: '85123A',
    }),
    rule('sku', SKU_RULE, isSku),
  );

export const Currency = (): PropertyDecorator =>
  applyDecorators(
    ApiProperty({ type: 'string', enum: [...CURRENCY_CODES], description: 'ISO 4217, capitals.', example: 'GBP' }),
    rule('currency', 'must be an ISO 4217 code in capitals', (value) => typeof value === 'string' && isCurrency(value)),
  );

export const BusinessTime = (doc: Doc = {}): PropertyDecorator =>
  applyDecorators(
    ApiPropertyOptional({ type: 'string', format: 'date-time', nullable: true, example: '2010-12-01T08:26:00Z', ...doc }),
    IsOptional(),
    rule('businessTime', `must be ${BUSINESS_TIME}`, (value) => typeof value === 'string' && parseBusinessTime(value) !== undefined),
  );

export const SKU_DESCRIPTION = 'Case and surrounding blanks do not matter.';
export const SKU_RULE = `must be a SKU of 1 to ${MAX_SKU_LENGTH} printable characters`;

export function isSku(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > MAX_SKU_LENGTH) return false;
  try {
    return normalizeSku(value) !== '';
  } catch {
    return false;
  }
}

const plain = (): PropertyDecorator =>
  rule('plain', 'must hold no control characters', (value) => typeof value !== 'string' || value.trim() === '' || isPlainText(value));

const isText = (value: unknown, max: number): value is string => typeof value === 'string' && value.length <= max;

const isWhole = (value: unknown, min: number, max: number): boolean =>
  Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max;

const rule = (name: string, message: string, validate: (value: unknown) => boolean): PropertyDecorator =>
  ValidateBy({ name, validator: { validate, defaultMessage: () => `$property ${message}` } });
