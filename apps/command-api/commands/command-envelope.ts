import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { headerInvalid, idempotencyKeyMissing } from '../problems.js';
import { fingerprintOf } from './fingerprint.js';
import { parseIfMatch, type IfMatch } from './if-match.js';

/** What a command carries beside its own data. */
export interface CommandEnvelope {
  readonly idempotencyKey: string;
  readonly fingerprint: string;
  readonly actor: string;
  readonly correlationId: string;
  /** W3C trace context, when it was sent and is well-formed. */
  readonly traceparent: string | null;
  readonly ifMatch: IfMatch | undefined;
  /** Server time of arrival, ISO 8601 UTC: the business time of a command whose client names none. */
  readonly receivedAt: string;
}

const VISIBLE = /^[\x21-\x7e]+$/;
const NAME = /^[\x20-\x7e]+$/;
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

export const MAX_KEY_LENGTH = 200;
export const MAX_ACTOR_LENGTH = 100;

/**
 * Reads the headers of a command.
 * @throws ProblemError `idempotency-key-missing`, `header-invalid`
 */
export function envelopeOf(request: FastifyRequest): CommandEnvelope {
  const { headers, method, url, body, id } = request;
  return {
    idempotencyKey: keyOf(single(headers['idempotency-key'])),
    fingerprint: fingerprintOf(method, url.split('?', 1)[0] ?? url, body),
    actor: actorOf(single(headers['x-actor'])),
    correlationId: id,
    traceparent: TRACEPARENT.test(single(headers['traceparent']) ?? '') ? (single(headers['traceparent']) as string) : null,
    ifMatch: parseIfMatch(headers['if-match']),
    receivedAt: new Date().toISOString(),
  };
}

/** The envelope of the request as a handler argument. */
export const Envelope = createParamDecorator((_: unknown, context: ExecutionContext) =>
  envelopeOf(context.switchToHttp().getRequest<FastifyRequest>()),
);

function keyOf(key: string | undefined): string {
  if (key === undefined || key === '') throw idempotencyKeyMissing();
  if (key.length > MAX_KEY_LENGTH || !VISIBLE.test(key)) {
    throw headerInvalid('Idempotency-Key', `1 to ${MAX_KEY_LENGTH} visible ASCII characters`);
  }
  return key;
}

/** Claimed, not proven: there is no authentication yet. Names of our own processes are refused, so that they stay telling. */
function actorOf(actor: string | undefined): string {
  if (actor === undefined || actor === '') return 'anonymous';
  if (actor.length > MAX_ACTOR_LENGTH || !NAME.test(actor) || actor.toLowerCase().startsWith('system:')) {
    throw headerInvalid('X-Actor', `1 to ${MAX_ACTOR_LENGTH} ASCII characters and not start with system:`);
  }
  return actor;
}

/** Node joins repeated headers it does not know with a comma, so an array never comes; the type allows it. */
const single = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value.join(', ') : value)?.trim();
