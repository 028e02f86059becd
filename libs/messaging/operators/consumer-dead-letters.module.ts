import { looked, OperatorActs, OperatorActsModule, setKnown, type HealthCheck } from '#platform';
import { Module, type DynamicModule } from '@nestjs/common';
import { Counter, Gauge, type Registry } from 'prom-client';

import type { BatchConsumerStrategy } from '../batch-consumer.strategy.js';
import { ConsumerDeadLetters } from '../consumer-dead-letters.js';
import { ConsumerDeadLettersController } from './consumer-dead-letters.controller.js';
import { ConsumerOperator } from './consumer-operator.js';

/**
 * Dead letters of a consumer over HTTP: the same for every app that consumes. The one place of this library with decorators, because
 * apps never import apps and a copy in each would soon be two.
 */
@Module({})
export class ConsumerDeadLettersModule {
  static with(consumer: BatchConsumerStrategy, acts: OperatorActs): DynamicModule {
    return {
      module: ConsumerDeadLettersModule,
      imports: [OperatorActsModule.with(acts)],
      controllers: [ConsumerDeadLettersController],
      providers: [
        { provide: ConsumerDeadLetters, useValue: consumer.deadLetters },
        { provide: ConsumerOperator, useValue: new ConsumerOperator(consumer, acts) },
      ],
    };
  }
}

type Measured = Pick<ConsumerDeadLetters, 'measure' | 'stored'>;

/** Poison waits for a person and is no reason to take the consumer away: it takes everything else. */
export function deadLettersCheck(deadLetters: Pick<Measured, 'measure'>): HealthCheck {
  return {
    name: 'deadLetters',
    check: async () => {
      const measured = await deadLetters.measure();
      const { held, blockedStreams } = measured;
      const degraded = `${held} messages wait for an operator, ${blockedStreams} streams are blocked`;
      return held + blockedStreams === 0 ? { ...measured } : { ...measured, degraded };
    },
  };
}

export function deadLettersMetrics(deadLetters: Measured, registry: Registry): void {
  const registers = [registry];
  const measured = looked(() => deadLetters.measure());
  new Gauge({
    name: 'tidemark_consumer_dead_letters_held',
    help: 'Messages the consumer could not take and that wait for an operator, by reason.',
    labelNames: ['code'],
    registers,
    async collect() {
      const held = await measured();
      this.reset();
      for (const [code, count] of Object.entries(held?.byCode ?? {})) this.set({ code }, count);
    },
  });
  new Counter({
    name: 'tidemark_consumer_dead_letters_total',
    help: 'Messages this process put aside, by reason.',
    labelNames: ['code'],
    registers,
    collect() {
      this.reset();
      for (const [code, count] of deadLetters.stored) this.inc({ code }, count);
    },
  });
  new Gauge({
    name: 'tidemark_consumer_dead_letters_oldest_seconds',
    help: 'How long the oldest of the messages that wait for an operator has waited.',
    registers,
    async collect() {
      setKnown(this, (await measured())?.oldestSeconds);
    },
  });
  new Gauge({
    name: 'tidemark_consumer_blocked_streams',
    help: 'Streams held back by a message that the consumer could not take.',
    registers,
    async collect() {
      setKnown(this, (await measured())?.blockedStreams);
    },
  });
  new Gauge({
    name: 'tidemark_consumer_blocked_seconds',
    help: 'How long the stream that waits longest has been blocked.',
    registers,
    async collect() {
      setKnown(this, (await measured())?.longestBlockedSeconds);
    },
  });
}
