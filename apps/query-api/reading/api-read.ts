import { applyDecorators } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';
import { apiProblems } from '#platform';
import { HEADER_TOKEN_SCHEMA } from './consistency-token.js';
import { QUERY_PROBLEMS, type QueryProblemCode } from './query-problems.js';

export interface ApiReadOptions {
  readonly summary: string;
  readonly description?: string;
  /** What a 200 holds. */
  readonly answer: z.ZodType;
  /** Can also answer NDJSON, one such value a line. */
  readonly ndjson?: z.ZodType;
  /** Problems of this operation, beside those every read can answer. */
  readonly problems?: readonly QueryProblemCode[];
}

/** What every read can answer. */
export const READ_PROBLEMS = [
  'malformed-request',
  'validation-failed',
  'invalid-consistency-token',
  'projection-behind',
  'query-timeout',
  'unavailable',
  'shutting-down',
  'internal-error',
  'url-too-long',
];

const FRESHNESS = {
  'Projection-Lag-Ms': {
    description: 'Age of the oldest event not yet in this answer, milliseconds.',
    schema: { type: 'integer', minimum: 0 },
  },
  'Projection-As-Of': {
    description: 'Everything recorded up to this moment is in this answer.',
    schema: { type: 'string', format: 'date-time' },
  },
} as const;

const TAGS = {
  ETag: { description: 'Weak tag of this answer.', schema: { type: 'string' } },
  'Cache-Control': { description: 'Keep it, but ask again with If-None-Match.', schema: { type: 'string', const: 'no-cache' } },
} as const;

/** The schema as a reader wants it: without what every whole number and every time of ours would repeat. */
function schemaOf(type: z.ZodType): never {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(type, {
    override: ({ jsonSchema }) => {
      if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  return schema as never;
}

/** Documents a read with all it takes and all it answers. */
export function ApiRead({ summary, description, answer, ndjson, problems = [] }: ApiReadOptions): MethodDecorator {
  return applyDecorators(
    ApiOperation({ summary, description }),
    ApiHeader({
      name: 'Consistency-Token',
      required: false,
      description: 'Like `consistentWith`, percent-encoded: just as the header of that name in the answer to a command.',
      schema: HEADER_TOKEN_SCHEMA,
    }),
    ApiHeader({ name: 'If-None-Match', required: false, description: 'ETags the client has.', schema: { type: 'string' } }),
    ApiResponse({
      status: 200,
      description: 'The answer.',
      headers: { ...FRESHNESS, ...TAGS } as never,
      content: {
        'application/json': { schema: schemaOf(answer) },
        ...(ndjson === undefined ? {} : { 'application/x-ndjson': { schema: schemaOf(ndjson) } }),
      },
    }),
    ApiResponse({ status: 304, description: 'The client has this answer already.', headers: { ...FRESHNESS, ...TAGS } as never }),
    apiProblems(QUERY_PROBLEMS, [...READ_PROBLEMS, ...problems]),
  ) as MethodDecorator;
}
