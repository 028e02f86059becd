import { Module } from '@nestjs/common';
import { FollowOrderHandler } from './live-order.query.js';
import { GetOrderHandler, ListOrdersHandler } from './order.queries.js';
import { OrdersController } from './orders.controller.js';

@Module({ controllers: [OrdersController], providers: [ListOrdersHandler, GetOrderHandler, FollowOrderHandler] })
export class OrdersModule {}
