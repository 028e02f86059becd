import {
  ActedByFilterDto,
  actorOf,
  apiProblems,
  DecideDto,
  DEFAULT_LIMIT,
  numberedCursor,
  originalBytes,
  requireCriterion,
} from '#platform';
import { applyDecorators, Body, Controller, Get, HttpCode, Inject, Param, Post, Query, Req, type Type } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';

import { ConsumerDeadLetters } from '../consumer-dead-letters.js';
import type { HeaderValue } from '../event-message.js';
import {
  DeadLetterDiscardedDto,
  DeadLetterIdDto,
  DeadLetterReleasedDto,
  DeadLettersDto,
  DecideLettersDto,
  InspectedLetterDto,
  ListDeadLettersDto,
  ListParkedStreamsDto,
  ParkedStreamsDto,
  StreamIdDto,
  StreamReleasedDto,
} from './consumer-dead-letters.dto.js';
import { DEAD_LETTER_PROBLEMS, problem } from './consumer-dead-letters.problems.js';
import { ConsumerOperator, type DecideAll, type Decision } from './consumer-operator.js';

/** Messages that the app's consumer could not take. Each parks its own stream until an operator decides. */
@ApiTags('operators')
@Controller()
export class ConsumerDeadLettersController {
  constructor(
    @Inject(ConsumerDeadLetters) private readonly deadLetters: ConsumerDeadLetters,
    @Inject(ConsumerOperator) private readonly operator: ConsumerOperator,
  ) {}

  @Get('dead-letters')
  @ApiOperation({ summary: 'Messages that could not be applied, newest first' })
  @question(DeadLettersDto)
  async list(@Query() { before, ...query }: ListDeadLettersDto): Promise<DeadLettersDto> {
    return { items: await this.deadLetters.list({ ...query, beforeId: before }) };
  }

  @Get('dead-letters/:id')
  @ApiOperation({ summary: 'One of them, with its original bytes and the reason' })
  @question(InspectedLetterDto, 'dead-letter-not-found')
  async inspect(@Param() { id }: DeadLetterIdDto): Promise<InspectedLetterDto> {
    const letter = await this.deadLetters.inspect(id);
    if (letter === undefined) throw problem('dead-letter-not-found', `No dead letter here has the number ${id}.`);
    const { key, value, headers } = letter.message;
    return { ...letter.record, key: key && originalBytes(key), value: value && originalBytes(value), headers: headersOf(headers) };
  }

  @Get('parked-streams')
  @ApiOperation({ summary: 'Streams whose events are held back by one of them, those blocked longest first' })
  @question(ParkedStreamsDto)
  async parked(@Query() { limit, ...filter }: ListParkedStreamsDto): Promise<ParkedStreamsDto> {
    return { items: await this.deadLetters.parked({ ...filter, limit: limit ?? DEFAULT_LIMIT }) };
  }

  @Post('parked-streams/:streamId/release')
  @ApiOperation({
    summary: 'Apply what is held for the stream, and let it go on',
    description: 'When an event still cannot be applied, it stays parked from there and the answer says why.',
  })
  @act(StreamReleasedDto, 'malformed-request', 'dead-letter-not-held', 'stream-not-releasable', 'overloaded')
  async release(
    @Param() { streamId }: StreamIdDto,
    @Body() { reason }: DecideDto,
    @Req() request: FastifyRequest,
  ): Promise<StreamReleasedDto> {
    return { streamId, delivered: await this.operator.releaseStream(streamId, decisionOf(reason, request)) };
  }

  @Post('parked-streams/release')
  @ApiOperation({
    summary: 'Let all parked streams that match go on, where they can',
    description: 'By the code of the letter that parked it, its id, a topic it holds letters of, and since when. Go on with `next`.',
  })
  @act(ActedByFilterDto, 'overloaded')
  async releaseStreams(@Body() body: DecideLettersDto, @Req() request: FastifyRequest): Promise<ActedByFilterDto> {
    return this.operator.releaseStreams(decideAll(body, request), body.after ?? '');
  }

  @Post('dead-letters/:id/release')
  @ApiOperation({
    summary: 'Apply this message',
    description: 'With it go all others held for its stream, in order; the stream then goes on. One that belongs to no stream goes alone.',
  })
  @act(DeadLetterReleasedDto, 'malformed-request', 'dead-letter-not-held', 'stream-not-releasable', 'overloaded')
  async releaseLetter(
    @Param() { id }: DeadLetterIdDto,
    @Body() { reason }: DecideDto,
    @Req() request: FastifyRequest,
  ): Promise<DeadLetterReleasedDto> {
    return { id, delivered: await this.operator.releaseLetter(id, decisionOf(reason, request)) };
  }

  @Post('dead-letters/release')
  @ApiOperation({ summary: 'Apply all that match, each with its stream, where they can be', description: 'Go on with `next`.' })
  @act(ActedByFilterDto, 'overloaded')
  async releaseLetters(@Body() body: DecideLettersDto, @Req() request: FastifyRequest): Promise<ActedByFilterDto> {
    return this.operator.releaseLetters(decideAll(body, request), numberedCursor(body.after));
  }

  @Post('dead-letters/:id/discard')
  @ApiOperation({
    summary: 'Never apply this message',
    description:
      'For what never should have been on the topic; its stream stays parked until it is released. An event of ours that is discarded leaves a gap, which only a rebuild closes.',
  })
  @act(DeadLetterDiscardedDto, 'malformed-request', 'dead-letter-not-held')
  async discard(
    @Param() { id }: DeadLetterIdDto,
    @Body() { reason }: DecideDto,
    @Req() request: FastifyRequest,
  ): Promise<DeadLetterDiscardedDto> {
    await this.operator.discardLetter(id, decisionOf(reason, request));
    return { id, state: 'discarded' };
  }

  @Post('dead-letters/discard')
  @ApiOperation({
    summary: 'Never apply any that match',
    description: 'At most `limit` a call, all of these or none; go on with `next`. Their streams stay parked until they are released.',
  })
  @act(ActedByFilterDto)
  async discardLetters(@Body() body: DecideLettersDto, @Req() request: FastifyRequest): Promise<ActedByFilterDto> {
    return this.operator.discardLetters(decideAll(body, request), numberedCursor(body.after));
  }
}

const decisionOf = (reason: string, request: FastifyRequest): Decision => ({ reason, actor: actorOf(request) });

function decideAll({ filter, reason, dryRun, limit }: DecideLettersDto, request: FastifyRequest): DecideAll {
  requireCriterion(filter);
  return { filter, decision: decisionOf(reason, request), dryRun: dryRun ?? false, limit: limit ?? DEFAULT_LIMIT };
}

function headersOf(headers: Readonly<Record<string, HeaderValue | undefined>>): InspectedLetterDto['headers'] {
  const sorted = Object.entries(headers).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return sorted.flatMap(([name, value]) => {
    const values = value === undefined ? [] : Array.isArray(value) ? (value as readonly (string | Buffer)[]) : [value as string | Buffer];
    return values.map((each) => ({ name, ...originalBytes(Buffer.from(each as string)) }));
  });
}

function question(answer: Type, ...problems: readonly string[]): MethodDecorator {
  return applyDecorators(
    ApiResponse({ status: 200, type: answer }),
    apiProblems(DEAD_LETTER_PROBLEMS, ['validation-failed', 'malformed-request', ...problems, 'unavailable']),
  );
}

function act(answer: Type, ...problems: readonly string[]): MethodDecorator {
  return applyDecorators(
    HttpCode(200),
    ApiHeader({ name: 'X-Actor', required: false, description: 'Who decides.' }),
    ApiResponse({ status: 200, type: answer }),
    apiProblems(DEAD_LETTER_PROBLEMS, [
      'validation-failed',
      'header-invalid',
      'malformed-json',
      ...problems,
      'unsupported-media-type',
      'body-too-large',
      'unavailable',
    ]),
  );
}
