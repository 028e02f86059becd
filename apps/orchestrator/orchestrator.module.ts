import { Module, type DynamicModule } from '@nestjs/common';
import { FulfilmentRunner } from './fulfilment-runner.js';
import { FulfilmentWork } from './fulfilment-work.js';
import { OrderEventsController } from './order-events.controller.js';
import { ParkedFulfilmentLoaders, ParkedFulfilmentsController } from './parked-fulfilments.controller.js';

export interface OrchestratorParts {
  readonly runner: FulfilmentRunner;
  readonly work: FulfilmentWork;
  readonly parkedLoaders: ParkedFulfilmentLoaders;
}

@Module({})
export class OrchestratorModule {
  static with({ runner, work, parkedLoaders }: OrchestratorParts): DynamicModule {
    return {
      module: OrchestratorModule,
      controllers: [OrderEventsController, ParkedFulfilmentsController],
      providers: [
        { provide: FulfilmentRunner, useValue: runner },
        { provide: FulfilmentWork, useValue: work },
        { provide: ParkedFulfilmentLoaders, useValue: parkedLoaders },
      ],
    };
  }
}
