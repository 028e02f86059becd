import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiRead } from '../reading/api-read.js';
import { timeRange } from '../reading/instant.js';
import { Overview } from './overview.answers.js';
import { OverviewParams } from './overview.params.js';
import { GetOverview } from './overview.queries.js';

@ApiTags('overview')
@Controller('overview')
export class OverviewController {
  @Get()
  @ApiRead({ summary: 'Figures for a dashboard: of all time, or of a range of business time.', answer: Overview })
  get(@Query() { from, to, currency }: OverviewParams): GetOverview {
    return new GetOverview(timeRange(['from', 'to'], from, to), currency);
  }
}
