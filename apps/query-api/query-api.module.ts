import { Module, type DynamicModule } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { DataSource } from 'typeorm';
import { EventReader } from '#event-store/read';
import { AuditModule } from './audit/audit.module.js';
import { CustomersModule } from './customers/customers.module.js';
import { FulfilmentsModule } from './fulfilments/fulfilments.module.js';
import { LIVE_WAITER } from './orders/live-order.query.js';
import { OrdersModule } from './orders/orders.module.js';
import { OverviewModule } from './overview/overview.module.js';
import { ProductsModule } from './products/products.module.js';
import { ProjectionLag } from './reading/projection-lag.js';
import { ProjectionWaiter } from './reading/projection-waiter.js';
import { ReadStatements } from './reading/read-statements.js';
import { ReadAnswers } from './reading/read-answers.js';
import { RefusalsModule } from './refusals/refusals.module.js';
import { StockModule } from './stock/stock.module.js';

/** What the handlers share; made, and closed again, by the one who starts the app. */
export interface QueryApiParts {
  readonly dataSource: DataSource;
  readonly statements: ReadStatements;
  readonly reader: EventReader;
  readonly waiter: ProjectionWaiter;
  readonly liveWaiter: ProjectionWaiter;
  readonly lag: ProjectionLag;
}

@Module({})
export class QueryApiModule {
  static of({ dataSource, statements, reader, waiter, liveWaiter, lag }: QueryApiParts): DynamicModule {
    const shared = [
      { provide: DataSource, useValue: dataSource },
      { provide: ReadStatements, useValue: statements },
      { provide: EventReader, useValue: reader },
      { provide: ProjectionWaiter, useValue: waiter },
      { provide: LIVE_WAITER, useValue: liveWaiter },
      { provide: ProjectionLag, useValue: lag },
    ];
    return {
      module: QueryApiModule,
      global: true,
      imports: [
        CqrsModule.forRoot(),
        OrdersModule,
        StockModule,
        CustomersModule,
        ProductsModule,
        OverviewModule,
        FulfilmentsModule,
        RefusalsModule,
        AuditModule,
      ],
      providers: [...shared, ReadAnswers],
      exports: shared.map(({ provide }) => provide),
    };
  }
}
