import { orderDecider, SCHEMA_VERSIONS, stockDecider, streamId, type DomainEvent } from '#domain';
import type { AppendRequest, EventStore } from '#event-store';
import type { EventMessage } from '#messaging';
import { v7 as uuid } from 'uuid';
import { CURRENCY, linesOf, ON_HAND, PAYMENT_TOKEN, SKUS, skuOf, UNIT_PRICE, type SagaLoad } from './saga-load.js';

const OCCURRED_AT = '2010-12-01T08:26:00.000Z';
const REQUESTS_AT_ONCE = 200;

/** Appends a receipt of every SKU. */
export async function receiveStock(store: EventStore): Promise<void> {
  const requests = Array.from({ length: SKUS }, (_, index) => {
    const command = { type: 'ReceiveStock' as const, data: { sku: skuOf(index), quantity: ON_HAND, reference: null } };
    return requestOf(streamId('stock', command.data.sku), stockDecider.decide(command, stockDecider.initialState));
  });
  await appendAll(store, requests);
}

/** Appends the orders, as command-api does, and answers the OrderPlaced messages that Kafka would bring, in their order. */
export async function placeOrders(store: EventStore, load: SagaLoad, first: number): Promise<EventMessage[]> {
  const requests = Array.from({ length: load.orders }, (_, index) => {
    const orderId = uuid();
    const customer = { id: '17850', name: null, email: null, country: 'United Kingdom' };
    const lines = linesOf(first + index, load).map((line) => ({
      ...line,
      description: 'WHITE HANGING HEART T-LIGHT HOLDER',
      unitPrice: UNIT_PRICE,
    }));
    const data = { orderId, reference: null, customer, currency: CURRENCY, lines, paymentToken: PAYMENT_TOKEN };
    return requestOf(streamId('order', orderId), orderDecider.decide({ type: 'PlaceOrder', data }, orderDecider.initialState));
  });
  await appendAll(store, requests);
  return requests.map(({ writes: [write], metadata }) => {
    const { correlationId, causationId, actor } = metadata;
    const { id, type, schemaVersion, data, occurredAt } = write!.events[0]!;
    return {
      ...{ id, type, schemaVersion, streamId: write!.streamId, version: 1, data, occurredAt, recordedAt: occurredAt },
      ...{ correlationId, causationId, actor, commandId: null, traceparent: null },
    };
  });
}

function requestOf(id: string, events: readonly DomainEvent[]): AppendRequest {
  const cause = uuid();
  return {
    metadata: { correlationId: cause, causationId: cause, actor: 'bench', commandId: null, traceparent: null },
    writes: [
      {
        streamId: id,
        expectedVersion: 0,
        events: events.map(({ type, data }) => ({
          id: uuid(),
          type,
          schemaVersion: SCHEMA_VERSIONS[type as keyof typeof SCHEMA_VERSIONS],
          data,
          occurredAt: OCCURRED_AT,
        })),
      },
    ],
  };
}

async function appendAll(store: EventStore, requests: readonly AppendRequest[]): Promise<void> {
  for (let from = 0; from < requests.length; from += REQUESTS_AT_ONCE) {
    const verdicts = await store.append(requests.slice(from, from + REQUESTS_AT_ONCE));
    if (verdicts.some(({ outcome }) => outcome !== 'appended')) throw new Error('the backlog was not appended');
  }
}
