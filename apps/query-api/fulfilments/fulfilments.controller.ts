import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiRead } from '../reading/api-read.js';
import { pageOf } from '../reading/page.js';
import { ReadParams } from '../reading/read.params.js';
import { Fulfilment } from './fulfilment.answers.js';
import { FulfilmentPath, ListFulfilmentsParams } from './fulfilment.params.js';
import { GetFulfilment, ListFulfilments } from './fulfilment.queries.js';

@ApiTags('fulfilments')
@Controller('fulfilments')
export class FulfilmentsController {
  @Get()
  @ApiRead({
    summary: 'Fulfilments in progress or parked (or of one status), the longest running first.',
    answer: pageOf(Fulfilment),
    problems: ['invalid-cursor'],
  })
  list(@Query() { status, limit, cursor }: ListFulfilmentsParams): ListFulfilments {
    return new ListFulfilments(status, limit, cursor);
  }

  @Get(':orderId')
  @ApiRead({ summary: 'How far the fulfilment of an order is.', answer: Fulfilment, problems: ['fulfilment.not-found'] })
  get(@Param() { orderId }: FulfilmentPath, @Query() _params: ReadParams): GetFulfilment {
    return new GetFulfilment(orderId);
  }
}
