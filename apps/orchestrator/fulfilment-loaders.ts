import {
  evolveFulfilment,
  initialFulfilment,
  orderDecider,
  paymentDecider,
  STOCK_STATE_VERSION,
  stockDecider,
  type FulfilmentEvent,
  type FulfilmentState,
  type OrderEvent,
  type OrderState,
  type PaymentEvent,
  type PaymentState,
  type StockEvent,
  type StockState,
} from '#domain';
import { StreamLoader, type EventReader, type LoadedStream, type Snapshot } from '#event-store';
import type { PoolClient } from 'pg';
import type { BatchStates, Versioned } from './decision-batch.js';

export interface FulfilmentLoaders {
  readonly fulfilment: StreamLoader<FulfilmentState, FulfilmentEvent>;
  readonly order: StreamLoader<OrderState, OrderEvent>;
  readonly payment: StreamLoader<PaymentState, PaymentEvent>;
  readonly stock: StreamLoader<StockState, StockEvent>;
}

/** Short streams are cheap to read again; stock streams grow for ever, so all SKUs stay in memory and have snapshots.
 * `mostStreams` of one kind are kept at most. */
export const createLoaders = (reader: EventReader, mostStreams = 20_000): FulfilmentLoaders => ({
  fulfilment: new StreamLoader({
    reader,
    decider: { initialState: initialFulfilment, evolve: evolveFulfilment },
    cacheSize: Math.min(2_000, mostStreams),
  }),
  order: new StreamLoader({ reader, decider: orderDecider, cacheSize: Math.min(1_000, mostStreams) }),
  payment: new StreamLoader({ reader, decider: paymentDecider, cacheSize: Math.min(2_000, mostStreams) }),
  stock: new StreamLoader({
    reader,
    decider: stockDecider,
    cacheSize: mostStreams,
    snapshots: { schemaVersion: STOCK_STATE_VERSION, every: 200 },
  }),
});

/** The states of locked streams. What memory holds at the locked version is current by definition and needs no query. */
export async function loadLocked<State extends object, Event>(
  loader: StreamLoader<State, Event>,
  ids: readonly string[],
  versions: ReadonlyMap<string, number>,
  client: PoolClient,
): Promise<Map<string, Versioned<State>>> {
  const states = new Map<string, LoadedStream<State>>();
  const stale: string[] = [];
  for (const id of ids) {
    const version = versions.get(id) ?? 0;
    const cached = loader.cached(id);
    if (version === 0) states.set(id, { version: 0, state: loader.initialState });
    else if (cached?.version === version) states.set(id, cached);
    else stale.push(id);
  }
  if (stale.length > 0) {
    for (const [id, loaded] of await loader.loadMany(stale, client)) states.set(id, loaded);
  }
  return states;
}

/**
 * The states that streams are expected to have once a batch under way is committed: as it leaves them, or as memory holds them, or else as
 * they are read now. Of a saga nobody has seen, and its payment, it is expected that they do not exist yet: then nothing is read but the
 * order.
 */
export async function expectStates(
  loaders: FulfilmentLoaders,
  ids: Readonly<Record<keyof BatchStates, readonly string[]>>,
  left: BatchStates,
): Promise<BatchStates> {
  return {
    fulfilment: expected(loaders.fulfilment, ids.fulfilment, left.fulfilment),
    order: await expectedOrRead(loaders.order, ids.order, left.order),
    payment: expected(loaders.payment, ids.payment, left.payment),
    stock: await expectedOrRead(loaders.stock, ids.stock, left.stock),
  };
}

function expected<State extends object, Event>(
  loader: StreamLoader<State, Event>,
  ids: readonly string[],
  left: ReadonlyMap<string, Versioned<State>>,
): Map<string, Versioned<State>> {
  const unknown = { version: 0, state: loader.initialState };
  return new Map(ids.map((id) => [id, left.get(id) ?? loader.cached(id) ?? unknown]));
}

async function expectedOrRead<State extends object, Event>(
  loader: StreamLoader<State, Event>,
  ids: readonly string[],
  left: ReadonlyMap<string, Versioned<State>>,
): Promise<Map<string, Versioned<State>>> {
  const unseen = ids.filter((id) => !left.has(id) && loader.cached(id) === undefined);
  const read = unseen.length > 0 ? await loader.loadMany(unseen) : new Map<string, Versioned<State>>();
  return new Map([...expected(loader, ids, left), ...read]);
}

/** After the commit. A stream that still does not exist is not worth keeping. */
export function rememberStates(loaders: FulfilmentLoaders, states: BatchStates): void {
  keep(loaders.fulfilment, states.fulfilment);
  keep(loaders.order, states.order);
  keep(loaders.payment, states.payment);
  keep(loaders.stock, states.stock);
}

function keep<State extends object, Event>(loader: StreamLoader<State, Event>, states: ReadonlyMap<string, Versioned<State>>): void {
  for (const [id, { version, state }] of states) if (version > 0) loader.remember(id, version, state);
}

export function forgetStreams(loaders: FulfilmentLoaders, ids: readonly string[]): void {
  for (const id of ids) loaders[id.slice(0, id.indexOf('-')) as keyof FulfilmentLoaders].forget(id);
}

/** Snapshots that have become due since the last call. */
export const dueSnapshots = (loaders: FulfilmentLoaders): Snapshot[] => loaders.stock.dueSnapshots();
