import { Module } from '@nestjs/common';
import { GetOrderHandler, ListOrdersHandler } from './order.queries.js';
import { OrdersController } from './orders.controller.js';

@Module({ controllers: [OrdersController], providers: [ListOrdersHandler, GetOrderHandler] })
export class OrdersModule {}
