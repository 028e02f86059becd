import type { StoredAnswer } from '#event-store';
import { PROBLEM_CONTENT_TYPE, type ProblemError } from '#platform';
import type { FastifyReply } from 'fastify';

/** An answer as it goes out and is kept: the body is text, so that a repeat gets the very same bytes (jsonb would reorder an object's fields). */
export interface CommandAnswer extends StoredAnswer {
  readonly body: string;
}

/** What a handler says about an accepted command. */
export interface Acceptance {
  readonly status: 200 | 201;
  readonly location?: string;
  readonly body: object;
}

export interface AcceptedCommand {
  readonly commandId: string;
  readonly correlationId: string;
  readonly streamId: string;
  readonly version: number;
}

export function acceptedAnswer({ status, location, body }: Acceptance, accepted: AcceptedCommand): CommandAnswer {
  const { commandId, correlationId, streamId, version } = accepted;
  return {
    status,
    headers: {
      'Content-Type': 'application/json; charset=utf-8',
      ETag: `"${version}"`,
      'Consistency-Token': headerToken(streamId, version),
      'X-Correlation-Id': correlationId,
      ...(location === undefined ? {} : { Location: location }),
    },
    body: JSON.stringify({ ...body, version, consistencyToken: consistencyToken(streamId, version), commandId }),
  };
}

export function refusedAnswer(problem: ProblemError, correlationId: string): CommandAnswer {
  return {
    status: problem.status,
    headers: { ...problem.headers, 'Content-Type': PROBLEM_CONTENT_TYPE, 'X-Correlation-Id': correlationId },
    body: JSON.stringify(problem.toDocument(correlationId)),
  };
}

export const consistencyToken = (streamId: string, version: number): string => `${streamId}@${version}`;

/**
 * A header holds ASCII only: whatever else a SKU holds is percent-encoded here, and so is every `%`, so that decoding gives back the
 * body's token, which is never encoded.
 */
export const headerToken = (streamId: string, version: number): string =>
  consistencyToken(streamId.replace(/[^\x20-\x24\x26-\x7e]+/gu, encodeURIComponent), version);

/** Writes an answer out; Nest sends what this returns as the body. */
export function send(reply: FastifyReply, { answer, replayed }: CommandOutcome): string {
  void reply.code(answer.status).headers(answer.headers);
  if (replayed) void reply.header('Idempotency-Replayed', 'true');
  return answer.body;
}

export interface CommandOutcome {
  readonly answer: CommandAnswer;
  /** The command was carried out before; this is the answer it got then. */
  readonly replayed: boolean;
}
