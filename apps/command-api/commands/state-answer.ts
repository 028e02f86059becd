import type { FastifyReply, FastifyRequest } from 'fastify';
import { consistencyToken, headerToken } from './command-answer.js';

/** Answers the state of a stream with its version as ETag, or 304 when the client has that version. */
export function sendState(
  request: FastifyRequest,
  reply: FastifyReply,
  streamId: string,
  version: number,
  state: object,
): object | undefined {
  const tag = `"${version}"`;
  void reply.headers({ ETag: tag, 'Consistency-Token': headerToken(streamId, version), 'Cache-Control': 'no-cache' });
  const known = request.headers['if-none-match']?.split(',').map((each) => each.trim().replace(/^W\//, '')) ?? [];
  if (known.includes(tag) || known.includes('*')) {
    void reply.code(304);
    return undefined;
  }
  return { ...state, version, consistencyToken: consistencyToken(streamId, version) };
}
