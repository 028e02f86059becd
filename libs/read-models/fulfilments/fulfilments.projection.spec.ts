import { describe, expect, it } from 'vitest';
import type { FulfilmentEvent } from '#domain';
import { fulfilmentStream } from '../testing/events.js';
import { fold } from '../testing/fold.js';
import { fulfilmentsProjection } from './fulfilments.projection.js';

const orderId = 'o1';
const started: FulfilmentEvent = {
  type: 'FulfilmentStarted',
  data: { orderId, items: [{ sku: '85123A', quantity: 6 }], amount: 1_530, currency: 'GBP', paymentToken: 'tok_ok' },
};
const dispatched = (step: 'reserve' | 'authorize', attempt = 1): FulfilmentEvent => ({
  type: 'FulfilmentStepDispatched',
  data: { orderId, step, attempt, undo: null },
});
const parked: FulfilmentEvent = {
  type: 'FulfilmentParked',
  data: { orderId, step: 'authorize', code: 'gateway-down', detail: '9 attempts' },
};
const completed: FulfilmentEvent = { type: 'FulfilmentCompleted', data: { orderId, outcome: 'confirmed' } };

/** Proves: a fulfilment shows its step and attempts, why it is parked while it is, and when it ended until it is opened again. */
describe('the fulfilments projection', () => {
  const after = (...events: FulfilmentEvent[]) =>
    fold(fulfilmentsProjection, fulfilmentStream(orderId, [started, ...events])).fulfilments![0];

  it('follows the steps', () => {
    expect(after()).toMatchObject({ status: 'running', step: null, attempts: 0, amount: 1_530, items: 1, endedAt: null, version: 1 });
    expect(after(dispatched('reserve'))).toMatchObject({ step: 'reserve', stepState: 'dispatched', attempts: 1 });
    expect(
      after(dispatched('reserve'), { type: 'FulfilmentStepCompleted', data: { orderId, step: 'reserve', gatewayId: null } }),
    ).toMatchObject({
      step: 'reserve',
      stepState: 'completed',
    });
    expect(
      after({ type: 'FulfilmentStepRefused', data: { orderId, step: 'authorize', code: 'declined', detail: 'no funds', shortages: [] } }),
    ).toMatchObject({ stepState: 'refused', refusalCode: 'declined', refusalDetail: 'no funds' });
    expect(
      after({ type: 'FulfilmentStepOutcomeUnknown', data: { orderId, step: 'authorize', attempt: 3, detail: 'timed out' } }),
    ).toMatchObject({ stepState: 'unknown', attempts: 3 });
  });

  it('says why and since when it is parked, until it goes on', () => {
    expect(after(dispatched('authorize', 9), parked)).toMatchObject({
      status: 'parked',
      step: 'authorize',
      attempts: 9,
      parkedCode: 'gateway-down',
      parkedDetail: '9 attempts',
      parkedAt: '2010-12-01T08:26:02.000Z',
    });
    expect(after(parked, { type: 'FulfilmentResumed', data: { orderId, mode: 'retry', reason: 'gateway is back' } })).toMatchObject({
      status: 'running',
      parkedCode: null,
      parkedAt: null,
    });
  });

  it('says what an operator found out of the step, by what evidence, also when it has ended', () => {
    const resolved: FulfilmentEvent = {
      type: 'FulfilmentResolved',
      data: { orderId, step: 'authorize', outcome: 'done', evidence: 'seen in their records', reference: 'CASE-1' },
    };
    const shown = {
      parkedCode: null,
      resolvedStep: 'authorize',
      resolvedOutcome: 'done',
      resolvedEvidence: 'seen in their records',
      resolvedReference: 'CASE-1',
      resolvedAt: '2010-12-01T08:26:02.000Z',
    };
    expect(after(parked, resolved)).toMatchObject({ status: 'running', ...shown });
    expect(after(parked, resolved, completed)).toMatchObject({ status: 'confirmed', ...shown });
  });

  it('ends with its outcome, and opens again when the order is cancelled', () => {
    const cancel: FulfilmentEvent = { type: 'FulfilmentCancellationRequested', data: { orderId, reason: 'changed my mind' } };
    expect(after(completed)).toMatchObject({ status: 'confirmed', endedAt: '2010-12-01T08:26:01.000Z' });
    expect(after(completed, cancel)).toMatchObject({ status: 'running', endedAt: null, cancelReason: 'changed my mind' });
    expect(after(completed, cancel, { type: 'FulfilmentCompleted', data: { orderId, outcome: 'cancelled' } })).toMatchObject({
      status: 'cancelled',
      endedAt: '2010-12-01T08:26:03.000Z',
    });
  });

  it('leaves a parked fulfilment parked when its order is cancelled: an operator decides', () => {
    expect(after(parked, { type: 'FulfilmentCancellationRequested', data: { orderId, reason: 'late' } })).toMatchObject({
      status: 'parked',
    });
  });
});
