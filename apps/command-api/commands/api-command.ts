import { apiProblems } from '#platform';
import { applyDecorators, type Type } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse } from '@nestjs/swagger';
import { PROBLEMS } from '../problems.js';
import { MAX_ACTOR_LENGTH, MAX_KEY_LENGTH } from './command-envelope.js';
import { IF_MATCH_PATTERN } from './if-match.js';

export interface ApiCommandOptions {
  readonly summary: string;
  readonly description?: string;
  readonly status: 200 | 201;
  readonly answer: Type;
  readonly location?: string;
  /** The command takes If-Match. */
  readonly conditional?: boolean;
  /** Beside those every command can answer. */
  readonly problems: readonly (keyof typeof PROBLEMS)[];
}

const ANY_REQUEST = [
  'malformed-request',
  'url-too-long',
  'header-too-large',
  'internal-error',
  'overloaded',
  'unavailable',
  'shutting-down',
];
const ANY_COMMAND = [
  ...['malformed-json', 'validation-failed', 'idempotency-key-missing', 'header-invalid', 'body-too-large', 'unsupported-media-type'],
  ...['command-running', 'concurrent-change', 'idempotency-key-reused', 'too-many-requests'],
];

const text = (description: string) => ({ description, schema: { type: 'string' as const } });

const REPLAYED = { 'Idempotency-Replayed': text('`true` on a repeat.') };
const VERSION = { ETag: text('The version of the stream, in quotes.'), 'Consistency-Token': text('Of this version, percent-encoded.') };

/** Documents a command: its headers, its answer with theirs, and every problem it can answer. */
export function apiCommand(options: ApiCommandOptions): MethodDecorator {
  const { summary, description, status, answer, location, conditional = false, problems } = options;
  return applyDecorators(
    ApiOperation({ summary, description }),
    ApiHeader({
      name: 'Idempotency-Key',
      required: true,
      description: 'The same for every repeat of one command: it happens once, and every repeat gets the first answer again.',
      schema: { type: 'string', minLength: 1, maxLength: MAX_KEY_LENGTH, pattern: '^[!-~]+$' },
    }),
    ApiHeader({
      name: 'X-Actor',
      description: 'Who acts; kept with the events. Default: anonymous.',
      schema: { type: 'string', maxLength: MAX_ACTOR_LENGTH, pattern: '^(?!system:)[ -~]*$' },
    }),
    ApiHeader({
      name: 'X-Correlation-Id',
      description:
        'A UUID, shared by all that follows. A new one takes the place of none, and of anything else: no command fails for its trace.',
      schema: { type: 'string' },
    }),
    ApiHeader({ name: 'traceparent', description: 'W3C trace context; kept with the events.', schema: { type: 'string' } }),
    ...(conditional
      ? [
          ApiHeader({
            name: 'If-Match',
            description: 'Do it only while it stands at this version.',
            schema: { type: 'string', pattern: IF_MATCH_PATTERN, examples: ['"1"', '*'] },
          }),
        ]
      : []),
    ApiResponse({
      status,
      description: 'Done, or done before: then the first answer again, with `Idempotency-Replayed: true`.',
      type: answer,
      headers: {
        ETag: text('The version of the stream, in quotes.'),
        'Consistency-Token': text(
          'Give it to the query API, in the same header, to read your own write. Percent-encoded; the body has it plain.',
        ),
        'X-Correlation-Id': text('Of the request that was carried out.'),
        ...REPLAYED,
        ...(location === undefined ? {} : { Location: text(location) }),
      },
    }),
    apiProblems(PROBLEMS, [...ANY_REQUEST, ...ANY_COMMAND, ...(conditional ? ['precondition-failed'] : []), ...problems], {
      404: REPLAYED,
      409: REPLAYED,
      429: { 'Retry-After': text('Seconds to wait.') },
    }),
  );
}

/** Documents a read of the write side's own state. */
export function apiState(
  summary: string,
  answer: Type,
  notFound: keyof typeof PROBLEMS,
  problems: readonly string[] = [],
): MethodDecorator {
  return applyDecorators(
    ApiOperation({ summary, description: 'As fresh as the database: a read after a command sees it.' }),
    ApiHeader({ name: 'If-None-Match', description: 'Answer 304 while it still stands at this version.', schema: { type: 'string' } }),
    ApiResponse({ status: 200, description: 'Its state.', type: answer, headers: VERSION }),
    ApiResponse({ status: 304, description: 'It still stands at the version given in If-None-Match.', headers: VERSION }),
    apiProblems(PROBLEMS, [...ANY_REQUEST, ...problems, notFound]),
  );
}
