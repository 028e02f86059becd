import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { TOPICS, type EventMessage } from '#messaging';
import { OutboxNotifier } from '#outbox';
import { createLogger, createPool } from '#platform';
import { FulfilmentEngine } from '../../apps/orchestrator/fulfilment-engine.js';
import { OrderEventsController } from '../../apps/orchestrator/order-events.controller.js';
import type { Contender } from '../harness/contender.js';
import { placeOrders, receiveStock } from './backlog.js';
import type { SagaLoad, SagaSettings } from './saga-load.js';

/** Partitions of the order topic that the app works on at once, and the most messages its handler gets of one. */
const LANES = 6;
const MOST_MESSAGES = 1_000;
const LOOK_MS = 5;

/**
 * The orchestrator's own engine and consumer's handler, as its `main.ts` wires them with default settings, given the messages as its
 * consumer gives them. Kafka itself is left out: nothing is fetched or decoded, and nothing relays what waits in the outbox.
 */
export async function open({ databaseUrl, gatewayUrl }: SagaSettings): Promise<Contender<SagaLoad>> {
  const logger = createLogger({ app: 'orchestrator', level: 'fatal' });
  const pool = createPool({ databaseUrl, max: 8, app: 'orchestrator', logger });
  const notifier = new OutboxNotifier({ pool, logger });
  const config = { GATEWAY_URL: gatewayUrl, GATEWAY_TIMEOUT_MS: 5_000, GATEWAY_CONCURRENCY: 32, ACTION_LEASE_MS: 15_000 };
  const engine = new FulfilmentEngine({ pool, notifier, config, logger });
  const controller = new OrderEventsController(engine.runner, engine.admission);
  engine.start();
  await receiveStock(engine.store);

  let conflicts = 0;
  const append = engine.store.append.bind(engine.store);
  engine.store.append = async (...args) => {
    const verdicts = await append(...args);
    conflicts += verdicts.filter(({ outcome }) => outcome === 'conflict').length;
    return verdicts;
  };

  let placed = 0;
  const consume = async (partition: number, messages: readonly EventMessage[]): Promise<void> => {
    for (let from = 0; from < messages.length; from += MOST_MESSAGES) {
      const batch = messages.slice(from, from + MOST_MESSAGES);
      const [firstOffset, lastOffset] = [String(from), String(from + batch.length - 1)];
      await controller.onOrderEvents({ topic: TOPICS.order, partition, messages: batch, firstOffset, lastOffset });
    }
  };
  return {
    round: async (load) => {
      const messages = await placeOrders(engine.store, load, placed);
      placed += load.orders;
      conflicts = 0;
      const startedAt = performance.now();
      await Promise.all(
        Array.from({ length: LANES }, (_, lane) =>
          consume(
            lane,
            messages.filter((_message, index) => index % LANES === lane),
          ),
        ),
      );
      // A saga that has ended owes nothing any more. That each has ended well is checked when all is over.
      while ((await engine.work.backlog()).open > 0) await delay(LOOK_MS);
      const seconds = (performance.now() - startedAt) / 1_000;
      return { perSecond: load.orders / seconds, counts: { conflicts } };
    },
    close: async () => {
      await engine.stop();
      await notifier.close();
      await pool.end();
    },
  };
}
