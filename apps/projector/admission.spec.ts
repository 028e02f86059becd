/** Proves: only events that belong where they are, of a type and version we know, get to the projections. */
import { PoisonEventError, type EventMessage } from '#messaging';
import { describe, expect, it } from 'vitest';
import { admit } from './admission.js';

const message: EventMessage = {
  id: '00000000-0000-4000-8000-000000000001',
  type: 'OrderConfirmed',
  schemaVersion: 1,
  streamId: 'order-o1',
  version: 2,
  data: { orderId: 'o1' },
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
    admit({ ...message, ...changes });
    return 'admitted';
  } catch (error) {
    return error instanceof PoisonEventError ? error.code : String(error);
  }
};

describe('admission', () => {
  it('lets a known event of its own stream through', () => {
    expect(admit(message)).toMatchObject({ type: 'OrderConfirmed', version: 2, data: { orderId: 'o1' } });
    expect(refusal({ type: 'StockReceived', streamId: 'stock-A-B', data: { sku: 'A-B', quantity: 1, reference: null } })).toBe('admitted');
  });

  it.each([
    ['unknown-type', { type: 'OrderTeleported' }],
    ['unknown-type', { type: 'toString' }],
    ['wrong-stream', { type: 'StockReceived' }],
    ['wrong-stream', { data: { orderId: 'o2' } }],
    ['wrong-stream', { data: {} }],
    ['wrong-stream', { streamId: 'nonsense' }],
    ['unknown-schema-version', { schemaVersion: 2 }],
    ['unknown-schema-version', { schemaVersion: 0 }],
  ] satisfies [string, Partial<EventMessage>][])('refuses as %s: %o', (code, changes) => {
    expect(refusal(changes)).toBe(code);
  });
});
