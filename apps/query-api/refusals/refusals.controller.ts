import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiRead } from '../reading/api-read.js';
import { Instant, ReadParams } from '../reading/read.params.js';
import { timeRange } from '../reading/instant.js';
import { Refusals } from './refusal.answers.js';
import { GetRefusals } from './refusal.queries.js';

class RefusalsParams extends ReadParams {
  @Instant('Orders placed then or later (business time).')
  from?: Date;

  @Instant('Orders placed before then (business time).')
  to?: Date;
}

@ApiTags('orders')
@Controller('refusals')
export class RefusalsController {
  @Get()
  @ApiRead({ summary: 'Refused orders by reason.', answer: Refusals })
  get(@Query() { from, to }: RefusalsParams): GetRefusals {
    return new GetRefusals(timeRange(['from', 'to'], from, to));
  }
}
