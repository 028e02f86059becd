import { BatchConsumerStrategy } from '#messaging';
import { actorOf, apiProblems } from '#platform';
import { Body, Controller, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import {
  DeadLetterDiscardedDto,
  DeadLetterIdDto,
  DeadLettersDto,
  DecideDto,
  ListDeadLettersDto,
  ParkedStreamsDto,
  StreamIdDto,
  StreamReleasedDto,
} from './dead-letters.dto.js';
import { PROJECTOR_PROBLEMS } from './projector.problems.js';

const ACTOR = { name: 'X-Actor', required: false, description: 'Who decides.' };
const ACT_PROBLEMS = [
  'validation-failed',
  'header-invalid',
  'malformed-json',
  'dead-letter-not-held',
  'unsupported-media-type',
  'body-too-large',
  'unavailable',
];

/** Messages that no projection could take. Each parks its own stream until an operator decides. */
@ApiTags('operators')
@Controller()
export class DeadLettersController {
  constructor(private readonly consumer: BatchConsumerStrategy) {}

  @Get('dead-letters')
  @ApiOperation({ summary: 'Messages that could not be applied, newest first' })
  @ApiResponse({ status: 200, type: DeadLettersDto })
  @apiProblems(PROJECTOR_PROBLEMS, ['validation-failed', 'unavailable'])
  async list(@Query() { streamId, state, before, limit }: ListDeadLettersDto): Promise<DeadLettersDto> {
    return { items: await this.consumer.deadLetters.list({ streamId, state, beforeId: before, limit }) };
  }

  @Get('parked-streams')
  @ApiOperation({ summary: 'Streams whose events are held back by one of them' })
  @ApiResponse({ status: 200, type: ParkedStreamsDto })
  @apiProblems(PROJECTOR_PROBLEMS, ['unavailable'])
  async parked(): Promise<ParkedStreamsDto> {
    return { items: await this.consumer.deadLetters.parked() };
  }

  @Post('parked-streams/:streamId/release')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Apply what is held for the stream, and let it go on',
    description: 'When an event still cannot be applied, nothing changes and the answer says why.',
  })
  @ApiHeader(ACTOR)
  @ApiResponse({ status: 200, type: StreamReleasedDto })
  @apiProblems(PROJECTOR_PROBLEMS, [...ACT_PROBLEMS, 'stream-not-releasable'])
  async release(
    @Param() { streamId }: StreamIdDto,
    @Body() { reason }: DecideDto,
    @Req() request: FastifyRequest,
  ): Promise<StreamReleasedDto> {
    return { streamId, delivered: await this.consumer.release(streamId, { by: actorOf(request), note: reason }) };
  }

  @Post('dead-letters/:id/discard')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Never apply this message',
    description:
      'For what never should have been on the topic; its stream stays parked until it is released. An event of ours that is discarded leaves a gap, which only a rebuild closes.',
  })
  @ApiHeader(ACTOR)
  @ApiResponse({ status: 200, type: DeadLetterDiscardedDto })
  @apiProblems(PROJECTOR_PROBLEMS, ACT_PROBLEMS)
  async discard(
    @Param() { id }: DeadLetterIdDto,
    @Body() { reason }: DecideDto,
    @Req() request: FastifyRequest,
  ): Promise<DeadLetterDiscardedDto> {
    await this.consumer.deadLetters.discard(id, { by: actorOf(request), note: reason });
    return { id, state: 'discarded' };
  }
}
