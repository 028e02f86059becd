import { upcasters } from '#domain';
import { EventReader, EventStore, Upcasters } from '#event-store';
import type { EventMessage } from '#messaging';
import { createLogger, createPool } from '#platform';
import type { Cause } from '../../apps/orchestrator/fulfilment-runner.js';
import { createLoaders } from '../../apps/orchestrator/fulfilment-loaders.js';
import { FulfilmentWork } from '../../apps/orchestrator/fulfilment-work.js';
import { GatewayClient } from '../../apps/orchestrator/gateway-client.js';
import { GatewayDispatcher } from '../../apps/orchestrator/gateway-dispatcher.js';
import { inputOf } from '../../apps/orchestrator/order-message.js';
import type { Contender } from '../harness/contender.js';
import { placeOrders, receiveStock } from './backlog.js';
import { OptimisticRunner } from './optimistic-runner.js';
import type { SagaLoad, SagaSettings } from './saga-load.js';

/** Orders that are being reserved at a time. More only meet more conflicts. */
const IN_FLIGHT = 8;
const CONCURRENCY = 32;
const LEASE_MS = 15_000;

/** The same gateway client, dispatcher and tables as the orchestrator, with the optimistic runner in place of its own. */
export async function open({ databaseUrl, gatewayUrl, share }: SagaSettings & { readonly share: number }): Promise<Contender<SagaLoad>> {
  const logger = createLogger({ app: 'optimistic', level: 'error', destination: process.stderr });
  const pool = createPool({ databaseUrl, max: 8, app: 'optimistic', logger, connectTimeoutMs: 60_000 });
  const store = new EventStore({ pool });
  const work = new FulfilmentWork(pool);
  const gateway = new GatewayClient({ url: gatewayUrl, timeoutMs: 5_000, concurrency: CONCURRENCY });
  const loaders = createLoaders(new EventReader({ pool, upcasters: new Upcasters(upcasters) }));
  const runner = new OptimisticRunner({ pool, store, loaders, work, leaseMs: LEASE_MS });
  const dispatcher = new GatewayDispatcher({
    ...{ gateway, work, concurrency: CONCURRENCY, leaseMs: LEASE_MS, logger },
    onFinished: () => undefined,
    onOutcome: ({ fulfilment, correlationId, causationId }, input) =>
      run(fulfilment.orderId, input, { correlationId, causationId, actor: 'system:orchestrator', traceparent: null }),
  });
  let ended = 0;
  const run = async (orderId: string, input: Parameters<typeof runner.submit>[1], cause: Cause): Promise<void> => {
    const { state, action } = await runner.submit(orderId, input, cause);
    if (state.status === 'not-started' || (action.kind !== 'send' && action.kind !== 'look-up')) ended += 1;
    else dispatcher.dispatch({ fulfilment: state, action, waitMs: 0, correlationId: cause.correlationId, causationId: cause.causationId });
  };
  const take = ({ streamId, correlationId, id, ...rest }: EventMessage): Promise<void> =>
    run(streamId.slice('order-'.length), inputOf({ streamId, correlationId, id, ...rest })!, {
      ...{ correlationId, causationId: id, actor: 'system:orchestrator', traceparent: null },
    });
  await receiveStock(store);

  let placed = 0;
  return {
    round: async ({ orders: all, ...rest }) => {
      const load = { ...rest, orders: all * share };
      const backlog = (await placeOrders(store, load, placed)).reverse();
      placed += load.orders;
      [runner.conflicts, ended] = [0, 0];
      const startedAt = performance.now();
      const worker = async (): Promise<void> => {
        for (let message = backlog.pop(); message !== undefined; message = backlog.pop()) await take(message);
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
      while (ended < load.orders) await new Promise((resolve) => setTimeout(resolve, 5));
      const seconds = (performance.now() - startedAt) / 1_000;
      return { perSecond: load.orders / seconds, counts: { conflicts: runner.conflicts } };
    },
    close: async () => {
      await dispatcher.stop();
      await gateway.close();
      await pool.end();
    },
  };
}
