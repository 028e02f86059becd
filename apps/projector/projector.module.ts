import { ConsumerDeadLettersModule, type BatchConsumerStrategy } from '#messaging';
import type { OperatorActs } from '#platform';
import { Module, type DynamicModule } from '@nestjs/common';
import { ProjectionsController } from './projections.controller.js';
import { Projector } from './projector.js';

export interface ProjectorParts {
  readonly projector: Projector;
  readonly consumer: BatchConsumerStrategy;
  readonly acts: OperatorActs;
}

@Module({})
export class ProjectorModule {
  static with({ projector, consumer, acts }: ProjectorParts): DynamicModule {
    return {
      module: ProjectorModule,
      imports: [ConsumerDeadLettersModule.with(consumer, acts)],
      controllers: [ProjectionsController],
      providers: [{ provide: Projector, useValue: projector }],
    };
  }
}
