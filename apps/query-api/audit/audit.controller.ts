import { Controller, Get, Header, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { platformProblem } from '#platform';
import { ApiRead } from '../reading/api-read.js';
import { ReadParams } from '../reading/read.params.js';
import { RequestHeader } from '../reading/request-header.js';
import { AuditedEvent, CommandAnswer, CorrelationAnswer, DiffAnswer, StateAnswer, StreamHistory } from './audit.answers.js';
import { CommandPath, CorrelationPath, DiffParams, HistoryParams, StateParams, StreamPath } from './audit.params.js';
import { MAX_CORRELATION_EVENTS } from './correlation-events.js';
import { GetCommand, GetCorrelation } from './causation.queries.js';
import { DiffStream, ExportStream, GetStreamHistory, GetStreamState } from './stream.queries.js';

/** For auditors: straight from the event store, never from a read model. */
@ApiTags('audit')
@Controller('audit')
export class AuditController {
  @Get('streams/:streamId/events')
  @Header('Vary', 'Accept')
  @ApiRead({
    summary: 'History of a stream: what happened, who did it, when, why, and the command behind it.',
    description: 'In pages as JSON; whole and unpaged with `Accept: application/x-ndjson`, one event a line.',
    answer: StreamHistory,
    ndjson: AuditedEvent,
    problems: ['stream.not-found'],
  })
  events(
    @Param() { streamId }: StreamPath,
    @Query() { fromVersion, toVersion, until, limit }: HistoryParams,
    @RequestHeader('accept') accept?: string,
  ): GetStreamHistory | ExportStream {
    const range = { fromVersion, toVersion, until };
    return wantsNdjson(accept) ? new ExportStream(streamId, range) : new GetStreamHistory(streamId, range, limit);
  }

  @Get('streams/:streamId/state')
  @ApiRead({
    summary: 'State of a stream at a version or at a time.',
    answer: StateAnswer,
    problems: ['stream.not-found', 'stream.version-not-found'],
  })
  state(@Param() { streamId }: StreamPath, @Query() { version, at, fromSnapshot }: StateParams): GetStreamState {
    if (at !== undefined && (version !== undefined || fromSnapshot === true)) {
      const message = `give either ${version === undefined ? 'fromSnapshot' : 'version'} or at`;
      throw platformProblem('validation-failed', `${message}.`, { errors: [{ path: 'at', message }] });
    }
    return new GetStreamState(streamId, { version, at }, fromSnapshot);
  }

  @Get('streams/:streamId/diff')
  @ApiRead({
    summary: 'What changed in a stream between two versions.',
    answer: DiffAnswer,
    problems: ['stream.not-found', 'stream.version-not-found'],
  })
  diff(@Param() { streamId }: StreamPath, @Query() { from, to }: DiffParams): DiffStream {
    return new DiffStream(streamId, from, to);
  }

  @Get('commands/:commandId')
  @ApiRead({ summary: 'A command and all that followed from it.', answer: CommandAnswer, problems: ['command.not-found'] })
  command(@Param() { commandId }: CommandPath, @Query() _params: ReadParams): GetCommand {
    return new GetCommand(commandId);
  }

  @Get('correlations/:correlationId')
  @ApiRead({
    summary: 'Everything under one correlation id, as the tree of what caused what.',
    description: `The first ${MAX_CORRELATION_EVENTS} events, more than the largest order makes; \`complete\` says whether that was all.`,
    answer: CorrelationAnswer,
    problems: ['correlation.not-found'],
  })
  correlation(@Param() { correlationId }: CorrelationPath, @Query() _params: ReadParams): GetCorrelation {
    return new GetCorrelation(correlationId);
  }
}

/** Only when it is named: `*` means JSON. */
const wantsNdjson = (accept: string | undefined): boolean =>
  accept?.split(',').some((type) => /^application\/(x-)?ndjson$/i.test(type.split(';', 1)[0]!.trim())) ?? false;
