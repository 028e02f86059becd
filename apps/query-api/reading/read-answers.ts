import { Inject, Injectable, StreamableFile } from '@nestjs/common';
import { QueryBus } from '@nestjs/cqrs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseStreamId } from '#domain';
import type { Answerer } from '#platform';
import { formatConsistencyToken, parseConsistencyToken, parseHeaderToken, type ConsistencyToken } from './consistency-token.js';
import { matchesTag, weakTag } from './entity-tag.js';
import { ProjectionLag } from './projection-lag.js';
import { ProjectionWaiter, type Lack } from './projection-waiter.js';
import { categoriesOf, type Source } from './projections.js';
import { queryProblem } from './query-problems.js';
import { Read } from './read.js';
import { DEFAULT_WAIT_MS, type ReadParams } from './read.params.js';
import { StreamAnswer } from './stream-answer.js';

/**
 * Everything the reads have in common, so that a controller only turns a request into a query: waits for the consistency token,
 * runs the query, tells how fresh the answer is, and answers 304 when the client has it already. What a handler returned that is no
 * query of ours is an answer already.
 */
@Injectable()
export class ReadAnswers implements Answerer {
  constructor(
    @Inject(QueryBus) private readonly queries: QueryBus,
    @Inject(ProjectionWaiter) private readonly waiter: ProjectionWaiter,
    @Inject(ProjectionLag) private readonly lag: ProjectionLag,
  ) {}

  async answer(query: unknown, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    if (!(query instanceof Read)) return query;
    const { sources } = query;
    await this.waitFor(tokensOf(request), sources, waitOf(request), reply);
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
