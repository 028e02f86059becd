import type { StoredAnswer } from '#event-store';
import {
  ActedByFilterDto,
  actorOf,
  apiProblems,
  DecideDto,
  DEFAULT_LIMIT,
  platformProblem,
  ProblemError,
  requireCriterion,
} from '#platform';
import { applyDecorators, Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res, type Type } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FulfilmentOperator, type DecideAll, type Decision, type OperatorInput } from './fulfilment-operator.js';
import { FulfilmentWork } from './fulfilment-work.js';
import { ORCHESTRATOR_PROBLEMS } from './orchestrator.problems.js';
import {
  DecideAllParkedDto,
  FulfilmentResolvedDto,
  FulfilmentResumedDto,
  ListParkedDto,
  ParkedFulfilmentsDto,
  ResolveAllParkedDto,
  ResolveParkedDto,
} from './parked-fulfilments.dto.js';

const MAX_LISTED = 500;

/** Problems of every act. */
const COMMON = ['validation-failed', 'malformed-json', 'header-invalid', 'unsupported-media-type', 'body-too-large', 'unavailable'];

/** What an operator does about sagas that cannot go on by themselves. Every act is kept with who and why. */
@ApiTags('operators')
@Controller('fulfilments')
export class ParkedFulfilmentsController {
  constructor(
    private readonly operator: FulfilmentOperator,
    private readonly work: FulfilmentWork,
  ) {}

  @Get('parked')
  @ApiOperation({ summary: 'Fulfilments that wait for an operator, oldest first' })
  @ApiResponse({ status: 200, type: ParkedFulfilmentsDto })
  @apiProblems(ORCHESTRATOR_PROBLEMS, ['validation-failed', 'malformed-request', 'unavailable'])
  async parked(@Query() { limit, ...filter }: ListParkedDto): Promise<ParkedFulfilmentsDto> {
    return { items: await this.work.listParked(limit ?? MAX_LISTED, filter) };
  }

  @Post('parked/retry')
  @ApiOperation({ summary: 'Let all parked fulfilments that match go on', description: 'At most `limit` a call; go on with `next`.' })
  @actOnAll()
  retryAll(@Body() body: DecideAllParkedDto, @Req() request: FastifyRequest): Promise<ActedByFilterDto> {
    return this.operator.decideAll({ type: 'ResumeFulfilment', mode: 'retry', reason: body.reason }, decideAll(body, request));
  }

  @Post('parked/compensate')
  @ApiOperation({ summary: 'Give all parked fulfilments that match up', description: 'At most `limit` a call; go on with `next`.' })
  @actOnAll()
  compensateAll(@Body() body: DecideAllParkedDto, @Req() request: FastifyRequest): Promise<ActedByFilterDto> {
    return this.operator.decideAll({ type: 'ResumeFulfilment', mode: 'compensate', reason: body.reason }, decideAll(body, request));
  }

  @Post('parked/resolve')
  @ApiOperation({
    summary: 'Tell, with evidence, what became of the step of all that match',
    description: 'For one event that hit many, which one document proves. At most `limit` a call; go on with `next`.',
  })
  @actOnAll()
  resolveAll(@Body() body: ResolveAllParkedDto, @Req() request: FastifyRequest): Promise<ActedByFilterDto> {
    return this.operator.decideAll(resolutionOf(body), decideAll(body, request));
  }

  @Post(':orderId/retry')
  @ApiOperation({
    summary: 'Let a parked fulfilment go on',
    description: 'The gateway is asked first what became of the step it stands at.',
  })
  @actOnOne(FulfilmentResumedDto)
  retry(@Param('orderId') orderId: string, @Body() { reason }: DecideDto, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    return this.resume(orderId, 'retry', reason, request, reply);
  }

  @Post(':orderId/compensate')
  @ApiOperation({
    summary: 'Give a parked fulfilment up',
    description: 'Money taken is given back, goods are released, the order is rejected.',
  })
  @actOnOne(FulfilmentResumedDto)
  compensate(@Param('orderId') orderId: string, @Body() { reason }: DecideDto, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    return this.resume(orderId, 'compensate', reason, request, reply);
  }

  @Post(':orderId/resolve')
  @ApiOperation({
    summary: 'Tell, with evidence, what became of the step a fulfilment is parked at',
    description:
      'For what the gateway does not tell: its support, a bank statement. The fulfilment goes on from there and ends. An authorization or capture that is not done is voided at the gateway all the same, before the order is rejected.',
  })
  @actOnOne(FulfilmentResolvedDto, 'fulfilment.resolution-impossible')
  resolve(@Param('orderId') orderId: string, @Body() body: ResolveParkedDto, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    const { outcome } = body;
    return this.decide(orderId, resolutionOf(body), body.reason, request, reply, (commandId) => ({
      ...({ orderId, outcome, commandId } satisfies FulfilmentResolvedDto),
    }));
  }

  private resume(orderId: string, mode: 'retry' | 'compensate', reason: string, request: FastifyRequest, reply: FastifyReply) {
    return this.decide(orderId, { type: 'ResumeFulfilment', mode, reason }, reason, request, reply, (commandId) => ({
      ...({ orderId, mode, commandId } satisfies FulfilmentResumedDto),
    }));
  }

  private async decide(
    orderId: string,
    input: OperatorInput,
    reason: string,
    request: FastifyRequest,
    reply: FastifyReply,
    bodyOf: (commandId: string) => object,
  ): Promise<void> {
    const decided = await this.operator.decide(orderId, input, decisionOf(reason, request), keyOf(request), (commandId) => ({
      status: 200,
      headers: { 'Content-Type': 'application/json; charset=utf-8', 'X-Correlation-Id': request.id },
      // Text, so that a repeat gets the very same bytes.
      body: JSON.stringify(bodyOf(commandId)),
    }));
    if (decided === 'key-reused') throw problem('idempotency-key-reused', 'This key was used before for something else.');
    if (decided.replayed) void reply.header('Idempotency-Replayed', 'true');
    await send(reply, decided.answer);
  }
}

async function send(reply: FastifyReply, answer: StoredAnswer): Promise<void> {
  await reply.status(answer.status).headers(answer.headers).send(answer.body);
}

const resolutionOf = ({ outcome, evidence, reference }: Pick<ResolveParkedDto, 'outcome' | 'evidence' | 'reference'>): OperatorInput => ({
  type: 'ResolveFulfilment',
  outcome,
  evidence,
  reference,
});

const decisionOf = (reason: string, request: FastifyRequest): Decision => ({
  reason,
  actor: actorOf(request),
  correlationId: request.id,
});

function decideAll({ filter, reason, dryRun, limit, after }: DecideAllParkedDto, request: FastifyRequest): DecideAll {
  requireCriterion(filter);
  return { filter, decision: decisionOf(reason, request), dryRun: dryRun ?? false, limit: limit ?? DEFAULT_LIMIT, after: after ?? '' };
}

function actOnOne(answer: Type, ...problems: readonly string[]): MethodDecorator {
  return applyDecorators(
    HttpCode(200),
    ApiHeader({ name: 'Idempotency-Key', required: true, schema: { type: 'string', minLength: 1, maxLength: 200 } }),
    ApiHeader({ name: 'X-Actor', required: false, description: 'Who decides.' }),
    ApiResponse({ status: 200, type: answer }),
    apiProblems(ORCHESTRATOR_PROBLEMS, [
      ...COMMON,
      'malformed-request',
      'idempotency-key-missing',
      'fulfilment.not-found',
      'fulfilment.not-parked',
      'idempotency-key-reused',
      ...problems,
    ]),
  );
}

function actOnAll(): MethodDecorator {
  return applyDecorators(
    HttpCode(200),
    ApiHeader({ name: 'X-Actor', required: false, description: 'Who decides.' }),
    ApiResponse({ status: 200, type: ActedByFilterDto }),
    apiProblems(ORCHESTRATOR_PROBLEMS, [...COMMON, 'overloaded']),
  );
}

function keyOf(request: FastifyRequest): string {
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string' || key === '') {
    throw problem('idempotency-key-missing', 'Send an Idempotency-Key of your choice, new for each command.');
  }
  if (!/^[\x21-\x7e]{1,200}$/.test(key))
    throw platformProblem('header-invalid', 'Idempotency-Key must be 1 to 200 visible ASCII characters.');
  return key;
}

function problem(code: keyof typeof ORCHESTRATOR_PROBLEMS, detail: string): ProblemError {
  const [status, title] = ORCHESTRATOR_PROBLEMS[code];
  return new ProblemError(status, code, title, detail);
}
