import { OutboxDeadLetters, OutboxRelay } from '#outbox';
import { Module, type DynamicModule } from '@nestjs/common';
import { DeadLettersController } from './dead-letters.controller.js';

@Module({})
export class RelayModule {
  static with({ relay, deadLetters }: { readonly relay: OutboxRelay; readonly deadLetters: OutboxDeadLetters }): DynamicModule {
    return {
      module: RelayModule,
      controllers: [DeadLettersController],
      providers: [
        { provide: OutboxRelay, useValue: relay },
        { provide: OutboxDeadLetters, useValue: deadLetters },
      ],
    };
  }
}
