import { createHash } from 'node:crypto';
import { parseStreamId, streamId, type FulfilmentEvent, type OrderEvent, type OrderLine, type StockEvent } from '#domain';
import type { ProjectedEvent } from '../projection/projected-event.js';

/** An event before it has a place: what specs write down. Times default to a second after the one before, recorded 5 ms later. */
export interface Happened {
  readonly type: string;
  readonly data: object;
  readonly occurredAt?: string;
  readonly recordedAt?: string;
}

const DAY_ONE = Date.parse('2010-12-01T08:26:00.000Z');

/** A stream from its first event on, or after version `after`. Ids follow from stream and version. */
export function stream(id: string, happened: readonly Happened[], after = 0): ProjectedEvent[] {
  return happened.map(({ type, data, occurredAt, recordedAt }, index) => {
    const version = after + index + 1;
    const occurred = occurredAt ?? new Date(DAY_ONE + (version - 1) * 1_000).toISOString();
    return {
      id: uuidOf(`${id}@${version}`),
      streamId: id,
      version,
      type,
      data,
      occurredAt: occurred,
      recordedAt: recordedAt ?? new Date(Date.parse(occurred) + 5).toISOString(),
      actor: 'spec',
    };
  });
}

export const orderStream = (orderId: string, happened: readonly (OrderEvent & Partial<Happened>)[], after = 0): ProjectedEvent[] =>
  stream(streamId('order', orderId), happened, after);
export const stockStream = (sku: string, happened: readonly (StockEvent & Partial<Happened>)[], after = 0): ProjectedEvent[] =>
  stream(streamId('stock', sku), happened, after);
export const fulfilmentStream = (
  orderId: string,
  happened: readonly (FulfilmentEvent & Partial<Happened>)[],
  after = 0,
): ProjectedEvent[] => stream(streamId('fulfilment', orderId), happened, after);

export interface PlacedOptions {
  readonly customerId?: string;
  readonly name?: string | null;
  readonly country?: string | null;
  readonly currency?: string;
  /** [sku, quantity, unit price, description] */
  readonly lines?: readonly (readonly [sku: string, quantity: number, unitPrice: number, description?: string | null])[];
}

export function placed(
  orderId: string,
  { customerId = '17850', name = null, country = 'United Kingdom', currency = 'GBP', lines = [['85123A', 6, 255]] }: PlacedOptions = {},
): OrderEvent {
  const orderLines = lines.map(([sku, quantity, unitPrice, description = null], index): OrderLine => ({
    lineNo: index + 1,
    sku,
    description,
    quantity,
    unitPrice,
  }));
  return {
    type: 'OrderPlaced',
    data: {
      orderId,
      reference: null,
      customer: { id: customerId, name, email: null, country },
      currency,
      lines: orderLines,
      total: orderLines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0),
      paymentToken: 'tok_ok',
    },
  };
}

export const confirmed = (orderId: string): OrderEvent => ({ type: 'OrderConfirmed', data: { orderId } });
export const rejected = (orderId: string): OrderEvent => ({
  type: 'OrderRejected',
  data: {
    orderId,
    reason: { code: 'out-of-stock', detail: '1 SKU is short', shortages: [{ sku: '85123A', requested: 6, available: 2 }] },
  },
});
export const cancelled = (orderId: string, cancelledFrom: 'placed' | 'confirmed'): OrderEvent => ({
  type: 'OrderCancelled',
  data: { orderId, reason: 'changed my mind', cancelledFrom },
});

export const keyOf = (event: ProjectedEvent): string => parseStreamId(event.streamId)!.key;

/** A UUID that is always the same for the same text. */
export function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
