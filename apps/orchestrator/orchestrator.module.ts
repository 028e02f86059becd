import { ConsumerDeadLettersModule, type BatchConsumerStrategy } from '#messaging';
import type { OperatorActs } from '#platform';
import { Module, type DynamicModule } from '@nestjs/common';
import { Admission } from './admission.js';
import { AnswerFinder, FulfilmentOperator } from './fulfilment-operator.js';
import { FulfilmentRunner } from './fulfilment-runner.js';
import { FulfilmentWork } from './fulfilment-work.js';
import { OrderEventsController } from './order-events.controller.js';
import { ParkedFulfilmentsController } from './parked-fulfilments.controller.js';

export interface OrchestratorParts {
  readonly runner: FulfilmentRunner;
  readonly admission: Admission;
  readonly work: FulfilmentWork;
  readonly answers: AnswerFinder;
  readonly consumer: BatchConsumerStrategy;
  readonly acts: OperatorActs;
}

@Module({})
export class OrchestratorModule {
  static with({ runner, admission, work, answers, consumer, acts }: OrchestratorParts): DynamicModule {
    return {
      module: OrchestratorModule,
      imports: [ConsumerDeadLettersModule.with(consumer, acts)],
      controllers: [OrderEventsController, ParkedFulfilmentsController],
      providers: [
        { provide: FulfilmentRunner, useValue: runner },
        { provide: Admission, useValue: admission },
        { provide: FulfilmentWork, useValue: work },
        { provide: FulfilmentOperator, useValue: new FulfilmentOperator({ runner, admission, work, answers, acts }) },
      ],
    };
  }
}
