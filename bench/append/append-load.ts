import { randomUUID } from 'node:crypto';
import type { AppendRequest } from '#event-store';

/** What each contender appends: so many events to a stream of its own, for a command of its own. */
export interface AppendLoad {
  readonly inFlight: number;
  readonly events: number;
  /** Milliseconds. */
  readonly ms: number;
}

/** About what an event of an order holds. */
export const DATA = { sku: '85123A', orderId: '573585', quantity: 6, unitPrice: 255, description: 'WHITE HANGING HEART T-LIGHT HOLDER' };
export const TYPE = 'StockReserved';
export const OCCURRED_AT = '2010-12-01T08:26:00.000Z';

export function appendRequest(count: number): AppendRequest {
  const id = randomUUID();
  const event = () => ({ id: randomUUID(), type: TYPE, schemaVersion: 1, data: DATA, occurredAt: OCCURRED_AT });
  return {
    writes: [{ streamId: `stock-${id}`, expectedVersion: 0, events: Array.from({ length: count }, event) }],
    metadata: { correlationId: id, causationId: id, actor: 'bench', commandId: id, traceparent: null },
    command: { id, name: 'Bench', idempotencyKey: id, fingerprint: 'fp', answer: { status: 201, headers: { etag: '"1"' }, body: { id } } },
  };
}
