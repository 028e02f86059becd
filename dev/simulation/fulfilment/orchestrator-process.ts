import { BatchConsumerStrategy, TOPICS, type EventBatch } from '#messaging';
import { OutboxNotifier } from '#outbox';
import type { Logger } from '#platform';
import { FulfilmentEngine } from '../../../apps/orchestrator/fulfilment-engine.js';
import { OrderEventsController } from '../../../apps/orchestrator/order-events.controller.js';
import { MemoryBroker } from '../kafka/memory-broker.js';
import type { MemoryKafka } from '../kafka/memory-kafka.js';
import type { MemoryPostgres } from '../postgres/memory-postgres.js';
import type { MemoryGateway } from './memory-gateway.js';

/** What a process of the orchestrator consists of, and how it is asked to end. */
export interface OrchestratorProcess {
  readonly engine: FulfilmentEngine;
  readonly strategy: BatchConsumerStrategy;
  stop(): Promise<void>;
}

export interface OrchestratorOptions {
  readonly kafka: MemoryKafka;
  readonly postgres: MemoryPostgres;
  readonly gateway: Pick<MemoryGateway, 'http'>;
  readonly logger: Logger;
  onFatal(error: Error): void;
}

const LEASE_MS = 15_000;
/** So few that streams are forgotten and read again. */
const STREAMS_IN_MEMORY = 3;

/** The moving parts of apps/orchestrator as its main wires them, without HTTP. Called in a process of the kernel. */
export function startOrchestrator({ kafka, postgres, gateway, logger, onFatal }: OrchestratorOptions): OrchestratorProcess {
  const pool = postgres.pool({ max: 8, app: 'orchestrator', logger });
  const notifier = new OutboxNotifier({ pool, logger });
  const config = { GATEWAY_URL: 'http://gateway', GATEWAY_TIMEOUT_MS: 5_000, GATEWAY_CONCURRENCY: 4, ACTION_LEASE_MS: LEASE_MS };
  const engine = new FulfilmentEngine({ pool, notifier, config, logger, gatewayHttp: gateway.http(), mostStreams: STREAMS_IN_MEMORY });
  const controller = new OrderEventsController(engine.runner, engine.admission);
  const strategy = new BatchConsumerStrategy({
    broker: new MemoryBroker(kafka, logger),
    groupId: 'orchestrator',
    pool,
    logger,
    partitionsConsumedConcurrently: 6,
    onFatal,
  });
  strategy.addHandler(TOPICS.order, (batch: EventBatch) => controller.onOrderEvents(batch), true);
  strategy.listen((error) => {
    if (error !== undefined) throw error as Error;
  });
  engine.start();
  return {
    engine,
    strategy,
    stop: async () => {
      const stopped = strategy.stop();
      engine.admission.close();
      await stopped;
      await engine.stop();
      await pool.end();
    },
  };
}
