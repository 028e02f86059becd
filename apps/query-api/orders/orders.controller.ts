import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import { apiProblems } from '#platform';
import { ApiRead, READ_PROBLEMS } from '../reading/api-read.js';
import { HEADER_TOKEN_SCHEMA } from '../reading/consistency-token.js';
import { timeRange } from '../reading/instant.js';
import { pageOf } from '../reading/page.js';
import { QUERY_PROBLEMS } from '../reading/query-problems.js';
import { ReadParams } from '../reading/read.params.js';
import { RequestHeader } from '../reading/request-header.js';
import { FollowOrder } from './live-order.query.js';
import { OrderDetail, OrderSummary } from './order.answers.js';
import { ListOrdersParams, OrderPath } from './order.params.js';
import { GetOrder, ListOrders } from './order.queries.js';

@ApiTags('orders')
@Controller('orders')
export class OrdersController {
  @Get()
  @ApiRead({ summary: 'Orders, the last placed first.', answer: pageOf(OrderSummary), problems: ['invalid-cursor'] })
  list(@Query() params: ListOrdersParams): ListOrders {
    const { status, customerId, sku, refusalCode, reference, placedFrom, placedTo, limit, cursor } = params;
    const placed = timeRange(['placedFrom', 'placedTo'], placedFrom, placedTo);
    return new ListOrders({ status, customerId, sku, refusalCode, reference, placed }, limit, cursor);
  }

  @Get(':orderId')
  @ApiRead({
    summary: 'An order with its lines, its history, and why it was refused or cancelled.',
    answer: OrderDetail,
    problems: ['order.not-found'],
  })
  get(@Param() { orderId }: OrderPath, @Query() _params: ReadParams): GetOrder {
    return new GetOrder(orderId);
  }

  @Get(':orderId/live')
  @ApiOperation({
    summary: "An order's changes of status, those so far and then as they happen.",
    description:
      'Server-sent events named `status`; `id` is the version, `data` an entry of the history. A comment every 15 s; ends after 10 min.',
  })
  @ApiHeader({ name: 'Last-Event-ID', required: false, description: 'Only what came after this version.', schema: { type: 'string' } })
  @ApiHeader({
    name: 'Consistency-Token',
    required: false,
    description: 'Like `consistentWith`.',
    schema: HEADER_TOKEN_SCHEMA,
  })
  @ApiResponse({ status: 200, description: 'The events.', content: { 'text/event-stream': { schema: { type: 'string' } } } })
  @apiProblems(QUERY_PROBLEMS, [...READ_PROBLEMS, 'order.not-found'])
  follow(@Param() { orderId }: OrderPath, @Query() _params: ReadParams, @RequestHeader('last-event-id') last?: string): FollowOrder {
    // A mark that is not ours is ignored, as browsers send back whatever they were given.
    return new FollowOrder(orderId, last !== undefined && /^\d{1,9}$/.test(last) ? Number(last) : 0);
  }
}
