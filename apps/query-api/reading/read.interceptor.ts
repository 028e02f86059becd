import { Inject, Injectable, StreamableFile, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { QueryBus, type IQuery } from '@nestjs/cqrs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { from, switchMap, type Observable } from 'rxjs';
import { parseStreamId } from '#domain';
import { platformProblem } from '#platform';
import { formatConsistencyToken, parseConsistencyToken, parseHeaderToken, type ConsistencyToken } from './consistency-token.js';
import { matchesTag, weakTag } from './entity-tag.js';
import { ProjectionLag } from './projection-lag.js';
import { ProjectionWaiter, type Lack } from './projection-waiter.js';
import { categoriesOf, type Source } from './projections.js';
import { queryProblem } from './query-problems.js';
import { DEFAULT_WAIT_MS, type ReadParams } from './read.params.js';
import { SERVED_BY } from './served-by.js';
import { StreamAnswer } from './stream-answer.js';

/**
 * Everything the reads have in common, so that a controller only turns a request into a query: waits for the consistency token,
 * runs the query, tells how fresh the answer is, and answers 304 when the client has it already. It runs after validation, because
 * the handler gives out the query and not the answer.
 */
@Injectable()
export class ReadInterceptor implements NestInterceptor {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(ProjectionWaiter) private readonly waiter: ProjectionWaiter,
    @Inject(ProjectionLag) private readonly lag: ProjectionLag,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler<IQuery>): Observable<unknown> {
    const sources = this.reflector.getAllAndOverride<Source[] | undefined>(SERVED_BY, [context.getHandler(), context.getClass()]);
    if (sources === undefined) return next.handle();
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    refuseInheritedNames(request.query as object);
    const tokens = tokensOf(request);
    return next.handle().pipe(switchMap((query) => from(this.answer(query, sources, tokens, request, http.getResponse<FastifyReply>()))));
  }

  private async answer(
    query: IQuery,
    sources: readonly Source[],
    tokens: readonly ConsistencyToken[],
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<unknown> {
    await this.waitFor(tokens, sources, waitOf(request), reply);
    // Asked before the query, so that it never says too much.
    const freshness = await this.freshness(sources);
    const result: unknown = await this.queries.execute(query);
    if (result instanceof StreamAnswer) {
      // Its end may come after the server began to close; a connection kept alive then would hold that up.
      void reply.headers({ ...freshness, 'Cache-Control': 'no-store', Connection: 'close' });
      reply.raw.once('close', () => result.gone?.abort());
      return new StreamableFile(result.stream, { type: `${result.type}; charset=utf-8` });
    }

    const body = JSON.stringify(result);
    const tag = weakTag(body);
    void reply.headers({ ...freshness, ETag: tag, 'Cache-Control': 'no-cache' });
    if (matchesTag(request.headers['if-none-match'], tag)) {
      void reply.code(304);
      return undefined;
    }
    void reply.header('Content-Type', 'application/json; charset=utf-8');
    return body;
  }

  private async waitFor(
    tokens: readonly ConsistencyToken[],
    sources: readonly Source[],
    waitMs: number,
    reply: FastifyReply,
  ): Promise<void> {
    const waits = tokens.flatMap((token) => sources.filter((source) => concerns(source, token)).map((source) => ({ source, token })));
    if (waits.length === 0) return;
    const gone = new AbortController();
    const onClose = () => gone.abort();
    reply.raw.once('close', onClose);
    const lacks = await Promise.all(waits.map(({ source, token }) => this.waiter.wait(source, token, waitMs, gone.signal)));
    reply.raw.off('close', onClose);
    const lack = lacks.find((each) => each !== undefined);
    if (lack !== undefined) throw behind(lack, waitMs);
  }

  private async freshness(sources: readonly Source[]): Promise<Record<string, string>> {
    const models = sources.filter((source) => source !== 'event-store');
    // The store itself is never behind.
    if (models.length === 0) return { 'Projection-Lag-Ms': '0' };
    const lags = await Promise.all(models.map((source) => this.lag.of(source)));
    return {
      'Projection-Lag-Ms': String(Math.max(...lags.map(({ lagMs }) => lagMs))),
      'Projection-As-Of': lags.map(({ asOf }) => asOf).reduce((one, other) => (one < other ? one : other)),
    };
  }
}

/** A token of a stream that a source is not made from cannot hold it back: whatever the stream did, nothing of it shows there. */
const concerns = (source: Source, { streamId }: ConsistencyToken): boolean =>
  categoriesOf(source).some((category) => category === parseStreamId(streamId)?.category);

/** Validation finds unknown parameters by their names, but takes names like `constructor` for ones that every object has. */
function refuseInheritedNames(query: object): void {
  const errors = Object.keys(query)
    .filter((name) => name in Object.prototype)
    .map((path) => ({ path, message: `property ${path} should not exist` }));
  if (errors.length > 0) throw platformProblem('validation-failed', `${errors[0]!.path}: ${errors[0]!.message}`, { errors });
}

function tokensOf(request: FastifyRequest): ConsistencyToken[] {
  const tokens: ConsistencyToken[] = [];
  const { consistentWith } = request.query as Partial<ReadParams>;
  const asked = typeof consistentWith === 'string' ? parseConsistencyToken(consistentWith) : undefined;
  // The query parameter is validated with the others; a header is not.
  if (asked !== undefined) tokens.push(asked);
  const header = request.headers['consistency-token'];
  if (header !== undefined) {
    const token = typeof header === 'string' ? parseHeaderToken(header) : undefined;
    if (token === undefined) {
      throw queryProblem('invalid-consistency-token', 'A consistency token is <stream>@<version>, as the header of a command answered it.');
    }
    tokens.push(token);
  }
  return tokens;
}

const waitOf = (request: FastifyRequest): number => Number((request.query as { waitMs?: string }).waitMs ?? DEFAULT_WAIT_MS);

function behind(lack: Lack, waitMs: number) {
  const { source, streamId, version, current } = lack;
  const detail = `${source} has not applied ${formatConsistencyToken(lack)} within ${waitMs} ms.`;
  return queryProblem(
    'projection-behind',
    detail,
    { projection: source, stream: streamId, wantedVersion: version, currentVersion: current },
    { 'Retry-After': '1' },
  );
}
