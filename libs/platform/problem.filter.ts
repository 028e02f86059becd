import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { problemOf } from './known-errors.js';
import { PROBLEM_CONTENT_TYPE, ProblemError, type ProblemMapper } from './problem.js';
import type { RouteTable } from './route-table.js';

export interface ProblemFilterOptions {
  readonly logger: Logger;
  readonly routes: RouteTable;
  /** Asked before the platform's own table. */
  readonly mapper?: ProblemMapper;
}

/**
 * The one place where errors become HTTP answers: always application/problem+json with a stable code and the correlation id.
 * An unknown path is 404, a known path with another method 405 with Allow. A 5xx is logged (`http.request.failed`).
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly options: ProblemFilterOptions) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const problem = request.is404 && !isNotNow(error) ? this.options.routes.refuse(request.method, request.url) : this.problemOf(error);
    if (problem.status >= 500) this.log(problem, request, error);
    sendProblem(reply, problem, request.id);
  }

  /**
   * A 500 is a bug of ours and needs its stack; a 503 says that others have a problem, possibly thousands of times a second. One that
   * was thrown as a problem is an answer the app chose to give (a read model that is behind, a full queue) and nobody's failure.
   */
  private log({ status, code }: ProblemError, request: FastifyRequest, err: unknown): void {
    const fields = {
      event: 'http.request.failed',
      code,
      correlationId: request.id,
      method: request.method,
      route: request.routeOptions.url,
    };
    if (status === 500) this.options.logger.error({ ...fields, err });
    else this.options.logger[err instanceof ProblemError ? 'info' : 'warn']({ ...fields, reason: reasonOf(err) });
  }

  private problemOf(error: unknown): ProblemError {
    return this.options.mapper?.(error) ?? problemOf(error);
  }
}

/** Refused before anybody looked at the address. */
const isNotNow = (error: unknown): boolean => error instanceof ProblemError && error.status === 503;

const reasonOf = (err: unknown): string => (err instanceof Error ? err.message : String(err));

export function sendProblem(reply: FastifyReply, problem: ProblemError, traceId: string): void {
  void reply
    .code(problem.status)
    .headers(problem.headers)
    .header('content-type', PROBLEM_CONTENT_TYPE)
    .send(JSON.stringify(problem.toDocument(traceId)));
}
