import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiRead } from '../reading/api-read.js';
import { timeRange } from '../reading/instant.js';
import { pageOf } from '../reading/page.js';
import { ReadParams } from '../reading/read.params.js';
import { ServedBy } from '../reading/served-by.js';
import { OrderDetail, OrderSummary } from './order.answers.js';
import { ListOrdersParams, OrderPath } from './order.params.js';
import { GetOrder, ListOrders } from './order.queries.js';

@ApiTags('orders')
@Controller('orders')
@ServedBy('orders')
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
}
