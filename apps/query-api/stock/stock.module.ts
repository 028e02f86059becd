import { Module } from '@nestjs/common';
import { StockController } from './stock.controller.js';
import { GetStockHandler, ListStockHandler } from './stock.queries.js';

@Module({ controllers: [StockController], providers: [ListStockHandler, GetStockHandler] })
export class StockModule {}
