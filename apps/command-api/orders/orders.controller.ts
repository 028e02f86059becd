import { streamId } from '#domain';
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { apiCommand, apiState } from '../commands/api-command.js';
import { send } from '../commands/command-answer.js';
import { Envelope, type CommandEnvelope } from '../commands/command-envelope.js';
import { sendState } from '../commands/state-answer.js';
import { notFound } from '../problems.js';
import { CancelOrder } from './cancel-order.handler.js';
import { OrderCommands } from './order-commands.js';
import { OrderIdPipe } from './order-id.pipe.js';
import { orderAnswer, OrderCancelledAnswer, OrderPlacedAnswer, OrderStateAnswer } from './order.answers.js';
import { CancelOrderRequest, PlaceOrderRequest } from './order.requests.js';
import { PlaceOrder } from './place-order.handler.js';

const orderIdParam = ApiParam({ name: 'orderId', schema: { type: 'string', format: 'uuid' } });

@ApiTags('orders')
@Controller('orders')
export class OrdersController {
  constructor(
    @Inject(CommandBus) private readonly bus: CommandBus,
    @Inject(OrderCommands) private readonly orders: OrderCommands,
  ) {}

  @Post()
  @HttpCode(201)
  @apiCommand({
    summary: 'Place an order',
    description: 'Takes the order. Whether stock and payment suffice is decided afterwards; ask the query API how it ended.',
    status: 201,
    answer: OrderPlacedAnswer,
    location: 'Where the order can be read.',
    problems: ['order.total-too-large', 'order.too-many-pieces', 'order.too-large'],
  })
  async place(
    @Body() request: PlaceOrderRequest,
    @Envelope() envelope: CommandEnvelope,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    return send(reply, await this.bus.execute(new PlaceOrder(request, envelope)));
  }

  @Get(':orderId')
  @orderIdParam
  @apiState('Read an order as the write side knows it', OrderStateAnswer, 'order.not-found')
  async read(
    @Param('orderId', OrderIdPipe) orderId: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    const stream = streamId('order', orderId);
    const { state, version } = await this.orders.load(stream);
    if (state.status === 'absent') throw notFound('order.not-found', 'there is no such order');
    return sendState(request, reply, stream, version, orderAnswer(state));
  }

  @Post(':orderId/cancel')
  @HttpCode(200)
  @orderIdParam
  @apiCommand({
    summary: 'Cancel an order',
    description: 'A confirmed order is refunded and its goods come back. A cancelled order stays cancelled.',
    status: 200,
    answer: OrderCancelledAnswer,
    conditional: true,
    problems: ['order.not-found', 'order.already-rejected'],
  })
  async cancel(
    @Param('orderId', OrderIdPipe) orderId: string,
    @Body() request: CancelOrderRequest,
    @Envelope() envelope: CommandEnvelope,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    return send(reply, await this.bus.execute(new CancelOrder(orderId, request, envelope)));
  }
}
