import { Module, type DynamicModule } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import type { Aggregates } from './aggregates.js';
import { CancelOrderHandler } from './orders/cancel-order.handler.js';
import { OrderCommands } from './orders/order-commands.js';
import { OrdersController } from './orders/orders.controller.js';
import { PlaceOrderHandler } from './orders/place-order.handler.js';
import { AdjustStockHandler } from './stock/adjust-stock.handler.js';
import { ReceiveStockHandler } from './stock/receive-stock.handler.js';
import { StockCommands } from './stock/stock-commands.js';
import { StockController } from './stock/stock.controller.js';

/** Of @nestjs/cqrs only the command bus is used: its event bus and sagas live in memory and would lose everything in a crash. */
@Module({})
export class CommandApiModule {
  static register(aggregates: Aggregates): DynamicModule {
    return {
      module: CommandApiModule,
      imports: [CqrsModule.forRoot()],
      controllers: [OrdersController, StockController],
      providers: [
        { provide: OrderCommands, useValue: aggregates.orders },
        { provide: StockCommands, useValue: aggregates.stock },
        PlaceOrderHandler,
        CancelOrderHandler,
        ReceiveStockHandler,
        AdjustStockHandler,
      ],
    };
  }
}
