import type { AppendRequest } from '#event-store';
import { newId } from '#platform';

/** What each contender appends: so many events to a stream of its own. */
export interface AppendLoad {
  readonly inFlight: number;
  readonly events: number;
  /** Milliseconds. */
  readonly ms: number;
  /** Also a command of its own, with its idempotency key and its answer. */
  readonly command: boolean;
}

/** About what an event of an order holds. */
export const DATA = { sku: '85123A', orderId: '573585', quantity: 6, unitPrice: 255, description: 'WHITE HANGING HEART T-LIGHT HOLDER' };
export const TYPE = 'StockReserved';
export const OCCURRED_AT = '2010-12-01T08:26:00.000Z';

/** The ids of all contenders: of the kind that the product makes. They ascend, and pages of indexes stay few. */
export { newId };

export function appendRequest({ events: count, command }: AppendLoad): AppendRequest {
  const id = newId();
  const event = () => ({ id: newId(), type: TYPE, schemaVersion: 1, data: DATA, occurredAt: OCCURRED_AT });
  return {
    writes: [{ streamId: `stock-${id}`, expectedVersion: 0, events: Array.from({ length: count }, event) }],
    metadata: { correlationId: id, causationId: id, actor: 'bench', commandId: command ? id : null, traceparent: null },
    ...(command && { command: commandOf(id) }),
  };
}

const commandOf = (id: string) => ({
  ...{ id, name: 'Bench', idempotencyKey: id, fingerprint: 'fp' },
  answer: { status: 201, headers: { etag: '"1"' }, body: { id } },
});
