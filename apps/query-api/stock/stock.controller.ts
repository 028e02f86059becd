import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ApiRead } from '../reading/api-read.js';
import { pageOf } from '../reading/page.js';
import { ReadParams } from '../reading/read.params.js';
import { StockLevel } from './stock.answers.js';
import { ListStockParams, StockPath } from './stock.params.js';
import { GetStock, ListStock } from './stock.queries.js';

@ApiTags('stock')
@Controller('stock')
export class StockController {
  @Get()
  @ApiRead({ summary: 'Stock levels by SKU.', answer: pageOf(StockLevel), problems: ['invalid-cursor'] })
  list(@Query() { lowBelow, low, limit, cursor }: ListStockParams): ListStock {
    return new ListStock({ lowBelow, low }, limit, cursor);
  }

  @Get(':sku')
  @ApiRead({ summary: 'Stock of one SKU.', answer: StockLevel, problems: ['stock.not-found'] })
  get(@Param() { sku }: StockPath, @Query() _params: ReadParams): GetStock {
    return new GetStock(sku);
  }
}
