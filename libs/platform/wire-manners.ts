import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { platformProblem, PROBLEM_CONTENT_TYPE, type ProblemError } from './problem.js';

/** What Node's HTTP server would answer by itself, without a word of explanation; it leaves these to us by options of the same names. */
export const WIRE_OPTIONS = {
  /** A request that has not wholly arrived by then is answered 408. Milliseconds. */
  requestTimeout: 30_000,
  http: {
    requireHostHeader: false,
    /** Bytes of all headers and the address. */
    maxHeaderSize: 16 * 1024,
    /** How often overdue requests are looked for. Milliseconds. */
    connectionsCheckingInterval: 5_000,
  },
} as const;

/**
 * Problem documents also where no route and no hook is reached: a request that is no HTTP, came too slowly, names no host, expects what
 * we do not know, or wants a tunnel.
 */
export function answerOnTheWire(fastify: FastifyInstance): void {
  const server: Server = fastify.server as Server;
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const problem = platformProblem('expectation-failed', 'The only expectation this server knows is 100-continue.');
    const body = bodyOf(problem);
    // What was to follow the expectation may still come, and would be taken for the next request.
    response.writeHead(problem.status, {
      'content-type': PROBLEM_CONTENT_TYPE,
      'content-length': Buffer.byteLength(body),
      connection: 'close',
    });
    response.end(body);
  });
  server.on('connect', (_request: IncomingMessage, socket: Socket) => {
    endWith(socket, platformProblem('malformed-request', 'This server opens no tunnels.'));
  });
  fastify.addHook('onRequest', (request, _reply, done) => {
    const nameless = request.raw.httpVersion !== '1.0' && request.headers.host === undefined;
    done(nameless ? platformProblem('malformed-request', 'The Host header is missing.') : undefined);
  });
}

/** Fastify's `clientErrorHandler`: what arrived could not be read as a request. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
  else endWith(socket, wireProblem(error));
}

export function wireProblem({ code }: { readonly code?: string }): ProblemError {
  if (code === 'HPE_HEADER_OVERFLOW') return platformProblem('header-too-large', 'The headers are longer than this server accepts.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return platformProblem('request-timeout', 'The request did not arrive in time.');
  return platformProblem('malformed-request', 'This is not a valid HTTP request.');
}

const REASONS: Readonly<Record<number, string>> = { 400: 'Bad Request', 408: 'Request Timeout', 431: 'Request Header Fields Too Large' };

/** Milliseconds for a client to take its answer; then the connection is closed from here, or it would hold up the end of the process. */
const TAKE_IT_MS = 5_000;

/** An answer on a bare socket, and its end. */
function endWith(socket: Socket, problem: ProblemError): void {
  socket.on('error', () => undefined);
  // What still comes is thrown away: unread, it would keep the client's own end from being seen.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), TAKE_IT_MS).unref();
  socket.once('close', () => clearTimeout(timer));
  const body = bodyOf(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${REASONS[problem.status] ?? ''}\r\nContent-Type: ${PROBLEM_CONTENT_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

const bodyOf = (problem: ProblemError): string => JSON.stringify(problem.toDocument('none'));
