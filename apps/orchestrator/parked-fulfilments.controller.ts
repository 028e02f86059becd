import { createHash } from 'node:crypto';
import type { StoredAnswer } from '#event-store';
import { actorOf, apiProblems, platformProblem, ProblemError } from '#platform';
import { Body, Controller, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { v7 as uuid } from 'uuid';
import { FulfilmentRunner } from './fulfilment-runner.js';
import { FulfilmentWork } from './fulfilment-work.js';
import { ORCHESTRATOR_PROBLEMS } from './orchestrator.problems.js';
import { DecideParkedDto, FulfilmentResumedDto, ParkedFulfilmentsDto } from './parked-fulfilments.dto.js';

/** Finds what a repeated command was answered, so that the controller depends on no more. */
export abstract class AnswerFinder {
  abstract findAnswer(idempotencyKey: string): Promise<{ fingerprint: string; answer: StoredAnswer } | undefined>;
}

const MAX_LISTED = 500;

/** What an operator does about sagas that cannot go on by themselves. Every act is a command of its own, kept with who and why. */
@ApiTags('operators')
@Controller('fulfilments')
export class ParkedFulfilmentsController {
  constructor(
    private readonly runner: FulfilmentRunner,
    private readonly work: FulfilmentWork,
    private readonly answers: AnswerFinder,
  ) {}

  @Get('parked')
  @ApiOperation({ summary: 'Fulfilments that wait for an operator, oldest first', description: `At most ${MAX_LISTED}.` })
  @ApiResponse({ status: 200, type: ParkedFulfilmentsDto })
  @apiProblems(ORCHESTRATOR_PROBLEMS, ['unavailable'])
  async parked(): Promise<ParkedFulfilmentsDto> {
    return { items: await this.work.listParked(MAX_LISTED) };
  }

  @Post(':orderId/retry')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Let a parked fulfilment go on',
    description: 'The gateway is asked first what became of the step it stands at.',
  })
  @operatorAct()
  retry(@Param('orderId') orderId: string, @Body() body: DecideParkedDto, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    return this.resume(orderId, 'retry', body.reason, request, reply);
  }

  @Post(':orderId/compensate')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Give a parked fulfilment up',
    description: 'Money taken is given back, goods are released, the order is rejected.',
  })
  @operatorAct()
  compensate(@Param('orderId') orderId: string, @Body() body: DecideParkedDto, @Req() request: FastifyRequest, @Res() reply: FastifyReply) {
    return this.resume(orderId, 'compensate', body.reason, request, reply);
  }

  private async resume(
    orderId: string,
    mode: 'retry' | 'compensate',
    reason: string,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const idempotencyKey = keyOf(request);
    const commandId = uuid();
    const answer: StoredAnswer = {
      status: 200,
      headers: { 'Content-Type': 'application/json; charset=utf-8', 'X-Correlation-Id': request.id },
      // Text, so that a repeat gets the very same bytes.
      body: JSON.stringify({ orderId, mode, commandId } satisfies FulfilmentResumedDto),
    };
    const fingerprint = createHash('sha256')
      .update(JSON.stringify(['POST', orderId, mode, reason]))
      .digest('hex');
    const command = { id: commandId, name: `ResumeFulfilment:${mode}`, idempotencyKey, fingerprint, answer };

    const earlier = await this.answers.findAnswer(idempotencyKey);
    if (earlier !== undefined && earlier.fingerprint !== fingerprint) throw keyReused();
    if (earlier !== undefined) return this.send(reply.header('Idempotency-Replayed', 'true'), earlier.answer);

    const verdict = await this.runner.submit(
      orderId,
      { type: 'ResumeFulfilment', mode, reason },
      { correlationId: request.id, causationId: commandId, actor: actorOf(request), traceparent: null, command },
    );
    if (verdict.outcome === 'key-reused') throw keyReused();
    if (verdict.outcome === 'repeated') return this.send(reply.header('Idempotency-Replayed', 'true'), verdict.answer);
    return this.send(reply, answer);
  }

  private async send(reply: FastifyReply, answer: StoredAnswer): Promise<void> {
    await reply.status(answer.status).headers(answer.headers).send(answer.body);
  }
}

function operatorAct(): MethodDecorator {
  const decorators = [
    ApiHeader({ name: 'Idempotency-Key', required: true, schema: { type: 'string', minLength: 1, maxLength: 200 } }),
    ApiHeader({ name: 'X-Actor', required: false, description: 'Who decides.' }),
    ApiResponse({ status: 200, type: FulfilmentResumedDto }),
    apiProblems(ORCHESTRATOR_PROBLEMS, [
      'idempotency-key-missing',
      'validation-failed',
      'malformed-json',
      'header-invalid',
      'fulfilment.not-found',
      'fulfilment.not-parked',
      'unsupported-media-type',
      'body-too-large',
      'idempotency-key-reused',
      'unavailable',
    ]),
  ];
  return (target, key, descriptor) => decorators.forEach((decorate) => decorate(target, key, descriptor as never));
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

const keyReused = (): ProblemError => problem('idempotency-key-reused', 'This key was used before for something else.');

function problem(code: keyof typeof ORCHESTRATOR_PROBLEMS, detail: string): ProblemError {
  const [status, title] = ORCHESTRATOR_PROBLEMS[code];
  return new ProblemError(status, code, title, detail);
}
