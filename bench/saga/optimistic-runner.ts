import {
  mayTouchStock,
  nextAction,
  SCHEMA_VERSIONS,
  stockStreamsOf,
  streamId,
  type AnyDomainEvent,
  type FulfilmentInput,
  type FulfilmentState,
} from '#domain';
import type { AppendRequest, EventMetadata, EventStore } from '#event-store';
import type { Pool, PoolClient } from 'pg';
import { v7 as uuid } from 'uuid';
import { DecisionBatch, type BatchStates, type Decision } from '../../apps/orchestrator/decision-batch.js';
import { rememberStates, type FulfilmentLoaders } from '../../apps/orchestrator/fulfilment-loaders.js';
import type { FulfilmentWork } from '../../apps/orchestrator/fulfilment-work.js';

interface OptimisticOptions {
  readonly pool: Pool;
  readonly store: EventStore;
  readonly loaders: FulfilmentLoaders;
  readonly work: FulfilmentWork;
  readonly leaseMs: number;
}

/** Milliseconds, doubled with each conflict, and up to so much again at random. */
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 64;

/**
 * The saga as most would run it: each input alone, loaded (from memory and what came since), decided and appended with the versions it was
 * decided on; on a conflict all of it again after a pause. The same decisions, the same store, the same durable timers in the same transaction.
 */
export class OptimisticRunner {
  conflicts = 0;

  constructor(private readonly options: OptimisticOptions) {}

  async submit(orderId: string, input: FulfilmentInput, cause: Omit<EventMetadata, 'commandId'>): Promise<Decision> {
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      const states = await this.load(orderId, input);
      const decision = new DecisionBatch(states).decide(orderId, input);
      if (await this.commit(requestOf(decision, { ...cause, commandId: null }), decision.state, orderId, cause)) {
        rememberStates(this.options.loaders, states);
        return decision;
      }
      this.conflicts += 1;
      await new Promise((resolve) => setTimeout(resolve, pause * (1 + Math.random())));
    }
  }

  private async load(orderId: string, input: FulfilmentInput): Promise<BatchStates> {
    const { loaders } = this.options;
    const one = (category: 'fulfilment' | 'order' | 'payment'): [string] => [streamId(category, orderId)];
    const [fulfilment, order, payment] = await Promise.all([
      loaders.fulfilment.loadMany(one('fulfilment')),
      loaders.order.loadMany(one('order')),
      loaders.payment.loadMany(one('payment')),
    ]);
    const known = fulfilment.get(one('fulfilment')[0])?.state;
    const started = known !== undefined && known.status !== 'not-started' ? known.items : [];
    const items = input.type === 'StartFulfilment' ? input.items : mayTouchStock(input) ? started : [];
    const stock = await loaders.stock.loadMany(stockStreamsOf(items));
    return { fulfilment, order, payment, stock };
  }

  /** False on a conflict. */
  private async commit(
    request: AppendRequest,
    state: FulfilmentState,
    orderId: string,
    cause: { correlationId: string },
  ): Promise<boolean> {
    const { pool, store } = this.options;
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const [verdict] = await store.append([request], client);
      if (verdict?.outcome !== 'appended') {
        await client.query('ROLLBACK');
        return false;
      }
      await this.schedule(client, state, { orderId, correlationId: cause.correlationId, causationId: request.writes[0]!.events[0]!.id });
      await client.query('COMMIT');
      return true;
    } finally {
      client.release();
    }
  }

  private async schedule(client: PoolClient, state: FulfilmentState, row: { orderId: string; correlationId: string; causationId: string }) {
    const { work, leaseMs } = this.options;
    if (nextAction(state).kind === 'none') await work.finish(client, [row.orderId]);
    else await work.schedule(client, [{ ...row, dueInMs: leaseMs, action: nextAction(state), waits: false }]);
  }
}

function requestOf({ writes }: Decision, metadata: EventMetadata): AppendRequest {
  const occurredAt = new Date().toISOString();
  return {
    metadata,
    writes: writes.map((write) => ({
      ...write,
      events: write.events.map(({ type, data }) => ({
        id: uuid(),
        type,
        schemaVersion: SCHEMA_VERSIONS[type as AnyDomainEvent['type']],
        data,
        occurredAt,
      })),
    })),
  };
}
