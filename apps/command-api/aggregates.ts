import {
  orderDecider,
  STOCK_STATE_VERSION,
  stockDecider,
  type OrderEvent,
  type OrderState,
  type StockEvent,
  type StockState,
} from '#domain';
import { StreamLoader, type EventReader, type EventStore, type GroupCommit } from '#event-store';
import type { Pool } from 'pg';
import type { RunningKeys } from './commands/aggregate-commands.js';
import { StreamLock } from './commands/stream-lock.js';
import { OrderCommands } from './orders/order-commands.js';
import { StockCommands } from './stock/stock-commands.js';

export interface AggregatesOptions {
  readonly pool: Pool;
  readonly store: EventStore;
  readonly reader: EventReader;
  readonly groupCommit: Pick<GroupCommit, 'append'>;
  /** After a commit beside the group commit: that of a command which took a stream's lock. */
  readonly onCommitted: () => void;
  /** Commands taken and not yet answered, of both together. */
  readonly maxRunning: number;
}

export interface Aggregates {
  readonly orders: OrderCommands;
  readonly stock: StockCommands;
}

/** Races with another process (the orchestrator also appends to orders and stock) before a command takes the stream's lock. */
const MAX_CONFLICTS = 3;
/** Commands that may wait for one stream: about two seconds of work. */
const MAX_WAITING_A_STREAM = 1_000;

/** What commands can be sent to, all on one store and under one set of keys. */
export function aggregatesOn({ pool, store, reader, groupCommit, onCommitted, maxRunning }: AggregatesOptions): Aggregates {
  const running: RunningKeys = new Set();
  const shared = {
    groupCommit,
    store,
    lock: new StreamLock({ pool, store, onCommitted }),
    running,
    maxRunning,
    maxWaiting: MAX_WAITING_A_STREAM,
    maxConflicts: MAX_CONFLICTS,
  };
  return {
    orders: new OrderCommands({
      ...shared,
      decider: orderDecider,
      loader: new StreamLoader<OrderState, OrderEvent>({ reader, decider: orderDecider, cacheSize: 2_000 }),
    }),
    stock: new StockCommands({
      ...shared,
      decider: stockDecider,
      // Snapshots are read but not made here: the orchestrator writes nearly all of a stock stream, and makes them.
      loader: new StreamLoader<StockState, StockEvent>({
        reader,
        decider: stockDecider,
        cacheSize: 10_000,
        snapshots: { schemaVersion: STOCK_STATE_VERSION, every: Infinity },
      }),
    }),
  };
}
