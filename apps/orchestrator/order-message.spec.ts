/** Proves: a message that can never be acted on is poison, not a failure that is tried again for ever and holds up its partition. */
import { PoisonEventError, type EventMessage } from '#messaging';
import { describe, expect, it } from 'vitest';
import { inputOf } from './order-message.js';

const placed = {
  orderId: 'o1',
  reference: null,
  customer: { id: 'c1', name: null, email: null, country: null },
  currency: 'GBP',
  lines: [
    { lineNo: 1, sku: 'A', description: null, quantity: 2, unitPrice: 100 },
    { lineNo: 2, sku: 'A', description: null, quantity: 1, unitPrice: 90 },
    { lineNo: 3, sku: 'B', description: null, quantity: 1, unitPrice: 0 },
  ],
  total: 290,
  paymentToken: 'tok_ok',
};
const message: EventMessage = {
  id: '00000000-0000-4000-8000-000000000001',
  type: 'OrderPlaced',
  schemaVersion: 1,
  streamId: 'order-o1',
  version: 1,
  data: placed,
  occurredAt: '2010-12-01T08:26:00.000Z',
  recordedAt: '2026-11-21T10:00:00.000Z',
  correlationId: '00000000-0000-4000-8000-000000000002',
  causationId: '00000000-0000-4000-8000-000000000003',
  actor: 'ann',
  commandId: null,
  traceparent: null,
};

const refusal = (changes: Partial<EventMessage>): string => {
  try {
    inputOf({ ...message, ...changes });
    return 'taken';
  } catch (error) {
    return error instanceof PoisonEventError ? error.code : String(error);
  }
};

describe('a message of the order topic', () => {
  it('starts a fulfilment, lines of one SKU together', () => {
    const items = [
      { sku: 'A', quantity: 3 },
      { sku: 'B', quantity: 1 },
    ];
    expect(inputOf(message)).toEqual({
      type: 'StartFulfilment',
      orderId: 'o1',
      items,
      amount: 290,
      currency: 'GBP',
      paymentToken: 'tok_ok',
    });
  });

  it('asks for a cancellation', () => {
    const data = { orderId: 'o1', reason: 'changed her mind', cancelledFrom: 'placed' };
    expect(inputOf({ ...message, type: 'OrderCancelled', data })).toEqual({ type: 'RequestCancellation', reason: 'changed her mind' });
  });

  it('is passed over when the saga has nothing to do with it', () => {
    expect(inputOf({ ...message, type: 'OrderConfirmed', data: { orderId: 'o1' } })).toBeUndefined();
    expect(inputOf({ ...message, type: 'OrderTeleported', data: {} })).toBeUndefined();
  });

  it.each([
    ['data-invalid', { data: {} }],
    ['data-invalid', { data: { ...placed, lines: 'none' } }],
    ['data-invalid', { data: { ...placed, lines: [] } }],
    ['data-invalid', { data: { ...placed, lines: [{ sku: 'A', quantity: 0.5 }] } }],
    ['data-invalid', { data: { ...placed, total: {} } }],
    ['data-invalid', { data: { ...placed, paymentToken: null } }],
    ['data-invalid', { type: 'OrderCancelled', data: { orderId: 'o1' } }],
    ['wrong-stream', { streamId: 'order-o2' }],
    ['wrong-stream', { streamId: 'payment-o1' }],
    ['unknown-schema-version', { schemaVersion: 999 }],
    ['unknown-schema-version', { schemaVersion: 0 }],
  ] satisfies [string, Partial<EventMessage>][])('is poison as %s: %o', (code, changes) => {
    expect(refusal(changes)).toBe(code);
  });
});
