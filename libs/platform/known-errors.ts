import { HttpException } from '@nestjs/common';
import { platformProblem, ProblemError, type PlatformProblemCode } from './problem.js';
import { isTransientDatabaseError } from './transient-database-error.js';

/** Seconds a client should wait after a 503. */
const RETRY_AFTER = { 'Retry-After': '1' };

/** Fastify's own refusals, by their code. */
const FASTIFY_PROBLEMS: Readonly<Record<string, readonly [PlatformProblemCode, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', 'Send application/json in UTF-8.'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['body-too-large', 'The body is longer than this server accepts.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['malformed-request', 'Content-Length does not match the body.'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['malformed-json', 'The body is empty.'],
  FST_ERR_BAD_URL: ['malformed-request', 'The address is not valid.'],
  FST_ERR_MAX_PARAM_LENGTH: ['url-too-long', 'A part of the address is too long.'],
};

/**
 * What an error means to an HTTP client. DomainError and OverloadedError are recognised by their `name`, because the platform
 * knows no room: `x.not-found` → 404, any other domain code → 409 with the error's details; overload → 503 with Retry-After.
 * Anything unknown → 500 that tells nothing of the inside.
 */
export function problemOf(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const { name, code, message, details } = (error ?? {}) as Record<string, unknown>;
  if (name === 'DomainError' && typeof code === 'string') {
    const status = code.endsWith('.not-found') ? 404 : 409;
    return new ProblemError(status, code, status === 404 ? 'It does not exist' : 'A business rule refuses this', String(message), {
      ...(details as object | undefined),
    });
  }
  if (name === 'OverloadedError') {
    return platformProblem('overloaded', 'The queue is full; try again in a moment.', {}, RETRY_AFTER);
  }
  if (typeof code === 'string') {
    const known = FASTIFY_PROBLEMS[code];
    if (known !== undefined) return platformProblem(...known);
  }
  if (error instanceof HttpException) return httpProblem(error);
  if (isTransientDatabaseError(error)) return unavailable();
  return platformProblem('internal-error', 'The failure was recorded. It is safe to repeat the request with the same Idempotency-Key.');
}

const unavailable = (): ProblemError =>
  platformProblem('unavailable', 'A part this server depends on does not answer; try again in a moment.', {}, RETRY_AFTER);

/** Nest's exceptions, also those it makes of Fastify's: their messages are only the status in words. */
const HTTP_PROBLEMS: Readonly<Record<number, readonly [PlatformProblemCode, string | undefined]>> = {
  400: ['malformed-request', undefined],
  404: ['not-found', undefined],
  405: ['method-not-allowed', undefined],
  413: FASTIFY_PROBLEMS['FST_ERR_CTP_BODY_TOO_LARGE']!,
  414: FASTIFY_PROBLEMS['FST_ERR_MAX_PARAM_LENGTH']!,
  415: FASTIFY_PROBLEMS['FST_ERR_CTP_INVALID_MEDIA_TYPE']!,
  503: ['unavailable', undefined],
};

function httpProblem(error: HttpException): ProblemError {
  const status = error.getStatus();
  const [code, detail = error.message] = HTTP_PROBLEMS[status] ?? [];
  if (code === undefined) return new ProblemError(status, `http-${status}`, error.name, error.message);
  return platformProblem(code, detail, {}, code === 'unavailable' ? RETRY_AFTER : {});
}
