import { Module, type DynamicModule } from '@nestjs/common';
import { ProjectionsController } from './projections.controller.js';
import { Projector } from './projector.js';

@Module({})
export class ProjectorModule {
  static with(projector: Projector): DynamicModule {
    return { module: ProjectorModule, controllers: [ProjectionsController], providers: [{ provide: Projector, useValue: projector }] };
  }
}
