import type { FastifyInstance, FastifyRequest } from 'fastify';
import { platformProblem } from './problem.js';

export interface RequestLimits {
  /** Requests taken and not answered, whatever they wait for. */
  readonly requests: number;
  /** Bytes of bodies announced by those requests, also while they arrive. */
  readonly bodyBytes: number;
  /** Open connections; more are closed without an answer. */
  readonly connections: number;
}

export const REQUEST_LIMITS: RequestLimits = { requests: 4_000, bodyBytes: 128 * 1024 * 1024, connections: 10_000 };

/** Operators must be able to ask an overloaded process how it is. Asking has no body: what comes with one is counted, whatever its address. */
const ASKING = ['GET', 'HEAD'];
const ALWAYS = /^\/(health|metrics)(\/|$|\?)/;
const FAILPOINTS = /^\/failpoints(\/|$|\?)/;

interface Admitted {
  /** Bytes of the longest body that is accepted. */
  readonly bodyLimit: number;
  readonly limits?: RequestLimits;
  /** The control of the failpoints is served, and may be asked always as well. */
  readonly failpoints?: boolean;
}

/**
 * What one process may hold at once, looked at before a byte of the body is read: beyond it clients get 503 `overloaded` with
 * Retry-After, and memory stays what it is. A body of unknown length counts as the longest that is accepted.
 */
export function admitRequests(fastify: FastifyInstance, { bodyLimit, limits = REQUEST_LIMITS, failpoints = false }: Admitted): void {
  const always = (url: string): boolean => ALWAYS.test(url) || (failpoints && FAILPOINTS.test(url));
  let requests = 0;
  let bytes = 0;
  fastify.server.maxConnections = limits.connections;
  fastify.addHook('onRequest', (request, reply, done) => {
    if (ASKING.includes(request.method) && always(request.url)) return done();
    const announced = announcedBytes(request, bodyLimit);
    if (requests >= limits.requests || bytes + announced > limits.bodyBytes) {
      return done(platformProblem('overloaded', 'Too many requests are under way; try again in a moment.', {}, { 'Retry-After': '1' }));
    }
    requests += 1;
    bytes += announced;
    // Also when the client hangs up before there is an answer.
    reply.raw.once('close', () => {
      requests -= 1;
      bytes -= announced;
    });
    done();
  });
}

/** A body longer than the limit is refused as soon as its length is known, and never kept. */
function announcedBytes({ headers }: FastifyRequest, bodyLimit: number): number {
  if (headers['transfer-encoding'] !== undefined) return bodyLimit;
  const length = Number(headers['content-length'] ?? 0);
  return Number.isSafeInteger(length) && length <= bodyLimit ? length : 0;
}
