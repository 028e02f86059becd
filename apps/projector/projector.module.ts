import { BatchConsumerStrategy } from '#messaging';
import { Module, type DynamicModule } from '@nestjs/common';
import { DeadLettersController } from './dead-letters.controller.js';
import { ProjectionsController } from './projections.controller.js';
import { Projector } from './projector.js';

export interface ProjectorParts {
  readonly projector: Projector;
  readonly consumer: BatchConsumerStrategy;
}

@Module({})
export class ProjectorModule {
  static with({ projector, consumer }: ProjectorParts): DynamicModule {
    return {
      module: ProjectorModule,
      controllers: [ProjectionsController, DeadLettersController],
      providers: [
        { provide: Projector, useValue: projector },
        { provide: BatchConsumerStrategy, useValue: consumer },
      ],
    };
  }
}
