import { createHash } from 'node:crypto';

import { streamId, type FulfilmentState } from '#domain';
import type { StoredAnswer } from '#event-store';
import { apiProblems, ProblemError } from '#platform';
import { Body, Controller, Get, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { v7 as uuid } from 'uuid';
import type { FulfilmentLoaders } from './fulfilment-loaders.js';
import { FulfilmentRunner } from './fulfilment-runner.js';
import { FulfilmentWork } from './fulfilment-work.js';
import { ORCHESTRATOR_PROBLEMS } from './orchestrator.problems.js';
import { DecideParkedDto, FulfilmentResumedDto, ParkedFulfilmentsDto } from './parked-fulfilments.dto.js';

/** The two look-ups the controller needs, so that it depends on no more. */
export abstract class ParkedFulfilmentLoaders {
  abstract findAnswer(idempotencyKey: string): Promise<{ fingerprint: string; answer: StoredAnswer } | undefined>;
  abstract fulfilmentOf(stream: string): Promise<FulfilmentState>;
}

export const parkedLoaders = (loaders: FulfilmentLoaders, findAnswer: ParkedFulfilmentLoaders['findAnswer']): ParkedFulfilmentLoaders => ({
  findAnswer,
  fulfilmentOf: async (stream) => (await loaders.fulfilment.load(stream)).state,
});

const MAX_LISTED = 500;

/** What an operator does about sagas that cannot go on by themselves. Every act is a command of its own, kept with who and why. */
@ApiTags('operators')
@Controller('fulfilments')
export class ParkedFulfilmentsController {
  constructor(
    private readonly runner: FulfilmentRunner,
    private readonly work: FulfilmentWork,
    private readonly loaders: ParkedFulfilmentLoaders,
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
    const idempotencyKey = headerOf(request, 'idempotency-key');
    if (idempotencyKey === undefined)
      throw problem('idempotency-key-missing', 'Send an Idempotency-Key of your choice, new for each command.');
    const commandId = uuid();
    const answer: StoredAnswer = { status: 200, headers: {}, body: { orderId, mode, commandId } satisfies FulfilmentResumedDto };
    const fingerprint = createHash('sha256')
      .update(JSON.stringify(['POST', orderId, mode, reason]))
      .digest('hex');
    const command = { id: commandId, name: `ResumeFulfilment:${mode}`, idempotencyKey, fingerprint, answer };

    const earlier = await this.loaders.findAnswer(idempotencyKey);
    if (earlier !== undefined && earlier.fingerprint !== fingerprint) throw keyReused();
    if (earlier !== undefined) return this.send(reply.header('Idempotency-Replayed', 'true'), earlier.answer);

    await this.requireParked(orderId);
    const verdict = await this.runner.submit(
      orderId,
      { type: 'ResumeFulfilment', mode, reason },
      { correlationId: request.id, causationId: commandId, actor: headerOf(request, 'x-actor') ?? 'anonymous', traceparent: null, command },
    );
    if (verdict.outcome === 'key-reused') throw keyReused();
    if (verdict.outcome === 'repeated') return this.send(reply.header('Idempotency-Replayed', 'true'), verdict.answer);
    return this.send(reply, answer);
  }

  private async requireParked(orderId: string): Promise<void> {
    const state = await this.loaders.fulfilmentOf(streamId('fulfilment', orderId));
    if (state.status === 'not-started') throw problem('fulfilment-not-found', `Order ${orderId} has no fulfilment.`);
    if (state.status !== 'parked') throw problem('fulfilment-not-parked', `The fulfilment of order ${orderId} is ${state.status}.`);
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
      'fulfilment-not-found',
      'fulfilment-not-parked',
      'unsupported-media-type',
      'body-too-large',
      'idempotency-key-reused',
      'unavailable',
    ]),
  ];
  return (target, key, descriptor) => decorators.forEach((decorate) => decorate(target, key, descriptor as never));
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' && value.length > 0 && value.length <= 200 ? value : undefined;
}

const keyReused = (): ProblemError => problem('idempotency-key-reused', 'This key was used before for something else.');

function problem(code: keyof typeof ORCHESTRATOR_PROBLEMS, detail: string): ProblemError {
  const [status, title] = ORCHESTRATOR_PROBLEMS[code];
  return new ProblemError(status, code, title, detail);
}
