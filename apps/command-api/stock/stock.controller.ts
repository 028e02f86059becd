import { MAX_SKU_LENGTH, SKU_PATTERN, streamId } from '#domain';
import { Body, Controller, Get, HttpCode, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { apiCommand, apiState } from '../commands/api-command.js';
import { send } from '../commands/command-answer.js';
import { Envelope, type CommandEnvelope } from '../commands/command-envelope.js';
import { SKU_DESCRIPTION } from '../commands/fields.js';
import { sendState } from '../commands/state-answer.js';
import { notFound } from '../problems.js';
import { AdjustStock } from './adjust-stock.handler.js';
import { ReceiveStock } from './receive-stock.handler.js';
import { SkuPipe } from './sku.pipe.js';
import { stockAnswer, StockChangedAnswer, StockStateAnswer } from './stock.answers.js';
import { StockCommands } from './stock-commands.js';
import { AdjustStockRequest, ReceiveStockRequest } from './stock.requests.js';

const skuParam = ApiParam({
  name: 'sku',
  description: SKU_DESCRIPTION,
  schema: { type: 'string', minLength: 1, maxLength: MAX_SKU_LENGTH, pattern: SKU_PATTERN },
});

@ApiTags('stock')
@Controller('stock')
export class StockController {
  constructor(
    @Inject(CommandBus) private readonly bus: CommandBus,
    @Inject(StockCommands) private readonly stock: StockCommands,
  ) {}

  @Get(':sku')
  @skuParam
  @apiState('Read the stock of a SKU as the write side knows it', StockStateAnswer, 'stock.not-found', ['validation-failed'])
  async read(
    @Param('sku', SkuPipe) sku: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    const stream = streamId('stock', sku);
    const { state, version } = await this.stock.load(stream);
    if (state.status === 'untracked') throw notFound('stock.not-found', 'nothing of this SKU was ever received or adjusted');
    return sendState(request, reply, stream, version, stockAnswer(sku, state));
  }

  @Post(':sku/receipts')
  @HttpCode(201)
  @skuParam
  @apiCommand({
    summary: 'Take goods in',
    status: 201,
    answer: StockChangedAnswer,
    location: 'Where the stock can be read.',
    conditional: true,
    problems: ['stock.total-too-large'],
  })
  async receive(
    @Param('sku', SkuPipe) sku: string,
    @Body() request: ReceiveStockRequest,
    @Envelope() envelope: CommandEnvelope,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    return send(reply, await this.bus.execute(new ReceiveStock(sku, request, envelope)));
  }

  @Post(':sku/adjustments')
  @HttpCode(201)
  @skuParam
  @apiCommand({
    summary: 'Correct the stock',
    description: 'Pieces found or written off. Neither what is on hand nor what is reserved can be written off below zero.',
    status: 201,
    answer: StockChangedAnswer,
    location: 'Where the stock can be read.',
    conditional: true,
    problems: ['stock.below-zero', 'stock.below-reserved', 'stock.total-too-large'],
  })
  async adjust(
    @Param('sku', SkuPipe) sku: string,
    @Body() request: AdjustStockRequest,
    @Envelope() envelope: CommandEnvelope,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    return send(reply, await this.bus.execute(new AdjustStock(sku, request, envelope)));
  }
}
