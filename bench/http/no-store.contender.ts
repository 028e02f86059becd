import 'reflect-metadata';
import { createLogger, startHttpApp } from '#platform';
import { orderDecider, stockDecider, type OrderEvent, type OrderState, type StockEvent, type StockState } from '#domain';
import { EventReader, EventStore, StreamLoader } from '#event-store';
import pg from 'pg';
import { CommandApiModule } from '../../apps/command-api/command-api.module.js';
import { StreamLock } from '../../apps/command-api/commands/stream-lock.js';
import { OrderCommands } from '../../apps/command-api/orders/order-commands.js';
import { StockCommands } from '../../apps/command-api/stock/stock-commands.js';
import type { Contender } from '../harness/contender.js';

/** command-api as it is, on a store that answers at once and keeps nothing: what the store costs is the difference. */
export async function open({ port }: { readonly port: number }): Promise<Contender> {
  const pool = new pg.Pool({ max: 1 });
  const store = new EventStore({ pool });
  const reader = new EventReader({ pool });
  const shared = {
    groupCommit: { append: async () => ({ outcome: 'appended' }) as const },
    store,
    lock: new StreamLock({ pool, store, onCommitted: () => undefined }),
    running: new Set<string>(),
    maxRunning: 2_000,
    maxWaiting: 1_000,
    maxConflicts: 3,
  };
  const orders = new OrderCommands({
    ...shared,
    decider: orderDecider,
    loader: new StreamLoader<OrderState, OrderEvent>({ reader, decider: orderDecider, cacheSize: 2_000 }),
  });
  const stock = new StockCommands({
    ...shared,
    decider: stockDecider,
    loader: new StreamLoader<StockState, StockEvent>({ reader, decider: stockDecider, cacheSize: 2_000 }),
  });
  const app = await startHttpApp(CommandApiModule.register({ orders, stock }), {
    name: 'command-api',
    description: 'without a store',
    version: '1.0.0',
    logger: createLogger({ app: 'command-api', level: 'warn' }),
    port,
    handleSignals: false,
  });
  return { round: () => Promise.reject(new Error('a server is asked over HTTP')), close: () => app.close() };
}
