import { OutboxDeadLetters, OutboxRelay } from '#outbox';
import { OperatorActs, OperatorActsModule } from '#platform';
import { Module, type DynamicModule } from '@nestjs/common';
import { DeadLettersController } from './dead-letters.controller.js';

export interface RelayParts {
  readonly relay: OutboxRelay;
  readonly deadLetters: OutboxDeadLetters;
  readonly acts: OperatorActs;
}

@Module({})
export class RelayModule {
  static with({ relay, deadLetters, acts }: RelayParts): DynamicModule {
    return {
      module: RelayModule,
      imports: [OperatorActsModule.with(acts)],
      controllers: [DeadLettersController],
      providers: [
        { provide: OutboxRelay, useValue: relay },
        { provide: OutboxDeadLetters, useValue: deadLetters },
      ],
    };
  }
}
