import type { Answered, Attempt, HistoryRecord } from '../../history/history-record.js';
import { ClientEffects } from '../client-effects.js';
import { HistoryDigest } from '../history-digest.js';
import type { ClientEffect, OrderFacts } from '../store-facts.js';

export const KEY = 'order-1-key';
const BODY = {
  reference: KEY,
  customer: { id: 'ada' },
  currency: 'GBP',
  lines: [
    { sku: ' mug ', quantity: 2, unitPrice: 425 },
    { sku: 'MUG', quantity: 1, unitPrice: 100 },
  ],
  paymentToken: 'tok_ok',
};
const ACCEPTED = { orderId: 'o1', status: 'placed', version: 1, consistencyToken: 'order-o1@1', commandId: 'c1' };

/** A history as a client would have written it, request by request. */
export class SmallHistory {
  readonly records: HistoryRecord[] = [];
  private n = 0;
  at = 1_000;

  get digest(): HistoryDigest {
    const digest = new HistoryDigest();
    for (const record of this.records) digest.add(record);
    return digest;
  }

  /** An order over 950 GBP, accepted as order o1 unless it is told otherwise; `'none'`: never answered. */
  order(
    answer: Partial<Answered> | 'none' = {},
    { attempt = 'first', body = BODY as object }: { attempt?: Attempt; body?: object } = {},
  ): this {
    return this.command({ intent: 'place-order', key: KEY, path: '/orders', body, attempt }, { status: 201, body: ACCEPTED }, answer);
  }

  cancel(key: string, orderId = 'o1', answer: Partial<Answered> | 'none' = {}): this {
    const accepted = { orderId, status: 'cancelled', version: 2, consistencyToken: `order-${orderId}@2`, commandId: `c-${key}` };
    const request = { intent: 'cancel-order', key, path: `/orders/${orderId}/cancel`, body: { reason: key }, attempt: 'first' } as const;
    return this.command(request, { status: 200, body: accepted }, answer);
  }

  receipt(key: string, sku: string, quantity: number, version = 1): this {
    const body = { sku, version, consistencyToken: `stock-${sku}@${version}`, commandId: `c-${key}` };
    const request = {
      intent: 'receive-stock',
      key,
      path: `/stock/${sku}/receipts`,
      body: { quantity, reference: key },
      attempt: 'first',
    } as const;
    return this.command(request, { status: 201, body }, {});
  }

  /** One piece of a SKU, accepted. */
  piece(key: string, sku: string, orderId: string): this {
    const body = { ...BODY, reference: key, lines: [{ sku, quantity: 1, unitPrice: 255 }] };
    const accepted = { orderId, version: 1, consistencyToken: `order-${orderId}@1`, commandId: `c-${key}` };
    return this.command({ intent: 'place-order', key, path: '/orders', body, attempt: 'first' }, { status: 201, body: accepted }, {});
  }

  read(token: string, answer: Partial<Answered>): this {
    const n = (this.n += 1);
    const read = { target: 'http://one', method: 'GET', path: '/orders/o1', key: null, fingerprintOf: null, body: null } as const;
    this.records.push({ kind: 'sent', n, at: (this.at += 10), ...read, intent: 'read-order', attempt: 'first', token });
    this.records.push({ kind: 'answered', n, at: (this.at += 10), status: 200, body: null, ...answer });
    return this;
  }

  settled(): this {
    this.records.push({ kind: 'phase', at: this.at, phase: 'settled', seed: 1, open: 0 });
    return this;
  }

  private command(
    request: { intent: 'place-order' | 'cancel-order' | 'receive-stock'; key: string; path: string; body: object; attempt: Attempt },
    usual: Pick<Answered, 'status' | 'body'>,
    answer: Partial<Answered> | 'none',
  ): this {
    const n = (this.n += 1);
    const { body, ...rest } = request;
    const fingerprintOf = JSON.stringify(body);
    this.records.push({
      kind: 'sent',
      n,
      at: (this.at += 10),
      target: 'http://one',
      method: 'POST',
      ...rest,
      fingerprintOf,
      body: body as Record<string, unknown>,
    });
    if (answer === 'none') this.records.push({ kind: 'unanswered', n, at: (this.at += 10), error: 'ECONNRESET' });
    else this.records.push({ kind: 'answered', n, at: (this.at += 10), ...usual, ...answer });
    return this;
  }
}

/** The event of {@link SmallHistory.order}. */
export const placed = (other: Partial<ClientEffect> = {}): ClientEffect => ({
  key: KEY,
  streamId: 'order-o1',
  version: 1,
  type: 'OrderPlaced',
  causationId: 'c1',
  commandId: 'c1',
  says: '950 GBP for ada by tok_ok: MUG×2@425 MUG×1@100',
  ...other,
});

export const cancelled = (key: string, other: Partial<ClientEffect> = {}): ClientEffect => ({
  key,
  streamId: 'order-o1',
  version: 2,
  type: 'OrderCancelled',
  causationId: `c-${key}`,
  commandId: `c-${key}`,
  says: 'cancels o1',
  ...other,
});

export const effects = (...all: ClientEffect[]): ClientEffects => ClientEffects.of(all);

/** How {@link SmallHistory.order} ended: confirmed and paid. */
export const ended = (other: Partial<OrderFacts> = {}): OrderFacts => ({
  orderId: 'o1',
  placedAt: 1_000,
  status: 'OrderConfirmed',
  rejection: null,
  cancelledAt: null,
  cancelledFrom: null,
  startedAt: 1_100,
  firstCompletedAt: 2_000,
  completedAt: 2_000,
  outcome: 'confirmed',
  parked: false,
  everParked: false,
  parkedTimes: [],
  payment: { reference: 'pay-o1', amount: 950, currency: 'GBP', token: 'tok_ok', captured: 950, refunded: 0 },
  ...other,
});
