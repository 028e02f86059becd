import { BatchConsumerStrategy, TOPICS, type EventBatch } from '#messaging';
import type { Logger } from '#platform';
import { Registry } from 'prom-client';
import { Projector } from '../../../apps/projector/projector.js';
import { MemoryBroker } from '../kafka/memory-broker.js';
import type { MemoryKafka } from '../kafka/memory-kafka.js';
import type { MemoryPostgres } from '../postgres/memory-postgres.js';

/** What a process of the projector consists of, and how it is asked to end. */
export interface ProjectorProcess {
  readonly strategy: BatchConsumerStrategy;
  stop(): Promise<void>;
}

export type Handle = (batch: EventBatch) => Promise<void>;

export interface ProjectorOptions {
  readonly kafka: MemoryKafka;
  readonly postgres: MemoryPostgres;
  readonly logger: Logger;
  onFatal(error: Error): void;
  /** Puts something between the consumer and the projector; for variants that are broken on purpose. */
  around?(apply: Handle): Handle;
}

/** The moving parts of apps/projector as its main wires them, without HTTP. Called in a process of the kernel. */
export function startProjector({ kafka, postgres, logger, onFatal, around = (apply) => apply }: ProjectorOptions): ProjectorProcess {
  const pool = postgres.pool({ max: 8, app: 'projector', logger, pipeline: true });
  const projector = new Projector({ pool, logger, metrics: new Registry() });
  const strategy = new BatchConsumerStrategy({
    broker: new MemoryBroker(kafka, logger),
    groupId: 'projector',
    pool,
    logger,
    partitionsConsumedConcurrently: 36,
    onFatal,
  });
  for (const category of ['order', 'stock'] as const) {
    strategy.addHandler(
      TOPICS[category],
      around((batch) => projector.apply(category, batch.messages)),
      true,
    );
  }
  strategy.listen((error) => {
    if (error !== undefined) throw error as Error;
  });
  return {
    strategy,
    stop: async () => {
      await strategy.stop();
      await pool.end();
    },
  };
}
