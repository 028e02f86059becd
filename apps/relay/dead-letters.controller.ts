import { OutboxDeadLetters, OutboxRelay, type ActByFilter } from '#outbox';
import {
  ActedByFilterDto,
  actorOf,
  apiProblems,
  DecideDto,
  DEFAULT_LIMIT,
  numberedCursor,
  originalBytes,
  ProblemError,
  requireCriterion,
} from '#platform';
import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import {
  BlockedStreamsDto,
  DeadLetterDecidedDto,
  DeadLetterSeqDto,
  DeadLettersDto,
  DecideDeadLettersDto,
  InspectedDeadLetterDto,
  ListBlockedStreamsDto,
  ListDeadLettersDto,
} from './dead-letters.dto.js';
import { RELAY_PROBLEMS } from './relay.problems.js';

/** Events that could not be sent to the broker. Each holds back its own stream until an operator decides. */
@ApiTags('operators')
@Controller('outbox')
export class DeadLettersController {
  constructor(
    private readonly deadLetters: OutboxDeadLetters,
    private readonly relay: OutboxRelay,
  ) {}

  @Get('dead-letters')
  @ApiOperation({ summary: 'Events that could not be published, in order of the outbox' })
  @ApiResponse({ status: 200, type: DeadLettersDto })
  @apiProblems(RELAY_PROBLEMS, ['validation-failed', 'malformed-request', 'unavailable'])
  async list(@Query() { after, ...query }: ListDeadLettersDto): Promise<DeadLettersDto> {
    return { items: await this.deadLetters.list({ ...query, afterSeq: after }) };
  }

  @Get('blocked-streams')
  @ApiOperation({ summary: 'Streams whose events wait behind one of them, those blocked longest first' })
  @ApiResponse({ status: 200, type: BlockedStreamsDto })
  @apiProblems(RELAY_PROBLEMS, ['validation-failed', 'malformed-request', 'unavailable'])
  async blocked(@Query() { limit }: ListBlockedStreamsDto): Promise<BlockedStreamsDto> {
    return { items: await this.deadLetters.blockedStreams(limit) };
  }

  @Get('dead-letters/:seq')
  @ApiOperation({ summary: 'One of them, with its message and all that was done about it' })
  @ApiResponse({ status: 200, type: InspectedDeadLetterDto })
  @apiProblems(RELAY_PROBLEMS, ['validation-failed', 'malformed-request', 'dead-letter-not-found', 'unavailable'])
  async inspect(@Param() { seq }: DeadLetterSeqDto): Promise<InspectedDeadLetterDto> {
    const letter = await this.deadLetters.inspect(seq);
    if (letter === undefined) throw notFound(seq);
    return { ...letter, value: letter.value && originalBytes(letter.value), actions: [...letter.actions] };
  }

  @Post('dead-letters/:seq/release')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Try it again',
    description: 'Back into the outbox at its old place: it is sent before the events of its stream that waited.',
  })
  @operatorAct(DeadLetterDecidedDto, ['malformed-request', 'dead-letter-not-found'])
  async release(
    @Param() { seq }: DeadLetterSeqDto,
    @Body() { reason }: DecideDto,
    @Req() request: FastifyRequest,
  ): Promise<DeadLetterDecidedDto> {
    if (!(await this.deadLetters.release(seq, { reason, actor: actorOf(request) }))) throw notFound(seq);
    this.relay.wake();
    return { seq, action: 'released' };
  }

  @Post('dead-letters/:seq/discard')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Give it up',
    description:
      'It is never published, and the events behind it go on. Consumers find a gap in the stream and stop there; the event stays in the store.',
  })
  @operatorAct(DeadLetterDecidedDto, ['malformed-request', 'dead-letter-not-found'])
  async discard(
    @Param() { seq }: DeadLetterSeqDto,
    @Body() { reason }: DecideDto,
    @Req() request: FastifyRequest,
  ): Promise<DeadLetterDecidedDto> {
    if (!(await this.deadLetters.discard(seq, { reason, actor: actorOf(request) }))) throw notFound(seq);
    this.relay.wake();
    return { seq, action: 'discarded' };
  }

  @Post('dead-letters/release')
  @HttpCode(200)
  @ApiOperation({ summary: 'Try all that match again', description: 'At most `limit` a call, all of these or none; go on with `next`.' })
  @operatorAct(ActedByFilterDto)
  async releaseAll(@Body() body: DecideDeadLettersDto, @Req() request: FastifyRequest): Promise<ActedByFilterDto> {
    const answer = await this.deadLetters.releaseAll(byFilter(body, request));
    this.relay.wake();
    return answer;
  }

  @Post('dead-letters/discard')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Give all that match up',
    description: 'At most `limit` a call, all of these or none; go on with `next`. What giving up means is told at the single act.',
  })
  @operatorAct(ActedByFilterDto)
  async discardAll(@Body() body: DecideDeadLettersDto, @Req() request: FastifyRequest): Promise<ActedByFilterDto> {
    const answer = await this.deadLetters.discardAll(byFilter(body, request));
    this.relay.wake();
    return answer;
  }
}

function byFilter({ filter, reason, dryRun, limit, after }: DecideDeadLettersDto, request: FastifyRequest): ActByFilter {
  requireCriterion(filter);
  return {
    filter,
    decision: { reason, actor: actorOf(request) },
    dryRun: dryRun ?? false,
    limit: limit ?? DEFAULT_LIMIT,
    afterSeq: numberedCursor(after),
  };
}

function operatorAct(answer: typeof DeadLetterDecidedDto | typeof ActedByFilterDto, problems: readonly string[] = []): MethodDecorator {
  const decorators = [
    ApiHeader({ name: 'X-Actor', required: false, description: 'Who decides.' }),
    ApiResponse({ status: 200, type: answer }),
    apiProblems(RELAY_PROBLEMS, [
      'validation-failed',
      'header-invalid',
      'malformed-json',
      ...problems,
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
