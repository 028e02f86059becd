import { Module, type DynamicModule } from '@nestjs/common';
import { Admission } from './admission.js';
import { FulfilmentRunner } from './fulfilment-runner.js';
import { FulfilmentWork } from './fulfilment-work.js';
import { OrderEventsController } from './order-events.controller.js';
import { AnswerFinder, ParkedFulfilmentsController } from './parked-fulfilments.controller.js';

export interface OrchestratorParts {
  readonly runner: FulfilmentRunner;
  readonly admission: Admission;
  readonly work: FulfilmentWork;
  readonly answers: AnswerFinder;
}

@Module({})
export class OrchestratorModule {
  static with({ runner, admission, work, answers }: OrchestratorParts): DynamicModule {
    return {
      module: OrchestratorModule,
      controllers: [OrderEventsController, ParkedFulfilmentsController],
      providers: [
        { provide: FulfilmentRunner, useValue: runner },
        { provide: Admission, useValue: admission },
        { provide: FulfilmentWork, useValue: work },
        { provide: AnswerFinder, useValue: answers },
      ],
    };
  }
}
