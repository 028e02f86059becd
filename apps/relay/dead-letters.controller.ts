import { OutboxDeadLetters, OutboxRelay } from '#outbox';
import { actorOf, apiProblems, ProblemError } from '#platform';
import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import {
  DeadLetterDecidedDto,
  DeadLetterSeqDto,
  DeadLettersDto,
  DecideDeadLetterDto,
  InspectedDeadLetterDto,
  ListDeadLettersDto,
} from './dead-letters.dto.js';
import { RELAY_PROBLEMS } from './relay.problems.js';

/** Events that could not be sent to the broker. Each holds back its own stream until an operator decides. */
@ApiTags('operators')
@Controller('outbox/dead-letters')
export class DeadLettersController {
  constructor(
    private readonly deadLetters: OutboxDeadLetters,
    private readonly relay: OutboxRelay,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Events that could not be published, in order of the outbox' })
  @ApiResponse({ status: 200, type: DeadLettersDto })
  @apiProblems(RELAY_PROBLEMS, ['validation-failed', 'unavailable'])
  async list(@Query() { after, limit }: ListDeadLettersDto): Promise<DeadLettersDto> {
    return { items: await this.deadLetters.list({ afterSeq: after, limit }) };
  }

  @Get(':seq')
  @ApiOperation({ summary: 'One of them, with its message and all that was done about it' })
  @ApiResponse({ status: 200, type: InspectedDeadLetterDto })
  @apiProblems(RELAY_PROBLEMS, ['validation-failed', 'dead-letter-not-found', 'unavailable'])
  async inspect(@Param() { seq }: DeadLetterSeqDto): Promise<InspectedDeadLetterDto> {
    const letter = await this.deadLetters.inspect(seq);
    if (letter === undefined) throw notFound(seq);
    return { ...letter, value: letter.value?.toString('base64') ?? null, actions: [...letter.actions] };
  }

  @Post(':seq/release')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Try it again',
    description: 'Back into the outbox at its old place: it is sent before the events of its stream that waited.',
  })
  @operatorAct()
  async release(
    @Param() { seq }: DeadLetterSeqDto,
    @Body() { reason }: DecideDeadLetterDto,
    @Req() request: FastifyRequest,
  ): Promise<DeadLetterDecidedDto> {
    if (!(await this.deadLetters.release(seq, { reason, actor: actorOf(request) }))) throw notFound(seq);
    this.relay.wake();
    return { seq, action: 'released' };
  }

  @Post(':seq/discard')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Give it up',
    description:
      'It is never published, and the events behind it go on. Consumers find a gap in the stream and stop there; the event stays in the store.',
  })
  @operatorAct()
  async discard(
    @Param() { seq }: DeadLetterSeqDto,
    @Body() { reason }: DecideDeadLetterDto,
    @Req() request: FastifyRequest,
  ): Promise<DeadLetterDecidedDto> {
    if (!(await this.deadLetters.discard(seq, { reason, actor: actorOf(request) }))) throw notFound(seq);
    this.relay.wake();
    return { seq, action: 'discarded' };
  }
}

function operatorAct(): MethodDecorator {
  const decorators = [
    ApiHeader({ name: 'X-Actor', required: false, description: 'Who decides.' }),
    ApiResponse({ status: 200, type: DeadLetterDecidedDto }),
    apiProblems(RELAY_PROBLEMS, [
      'validation-failed',
      'header-invalid',
      'malformed-json',
      'dead-letter-not-found',
      'unsupported-media-type',
      'body-too-large',
      'unavailable',
    ]),
  ];
  return (target, key, descriptor) => decorators.forEach((decorate) => decorate(target, key, descriptor as never));
}

function notFound(seq: number): ProblemError {
  const [status, title] = RELAY_PROBLEMS['dead-letter-not-found'];
  return new ProblemError(
    status,
    'dead-letter-not-found',
    title,
    `No dead letter has the number ${seq}, or somebody decided about it already.`,
  );
}
