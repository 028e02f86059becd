// Proves the payment rules: which facts of the gateway fit which status, what is late, and what contradicts, in given-when-then form.
import { describe, expect, it } from 'vitest';
import { fold } from '../domain-event.js';
import { given } from '../testing/given-when-then.js';
import type { PaymentCommand, RequestPayment } from './payment.commands.js';
import { paymentDecider, type PaymentStatus } from './payment.decider.js';
import type { PaymentEvent, PaymentOperation } from './payment.events.js';

const orderId = 'o-1';
const payment: RequestPayment['data'] = { orderId, reference: 'o-1', amount: 1530, currency: 'GBP', paymentToken: 'tok_ok' };
const request = (changes: Partial<RequestPayment['data']> = {}): PaymentCommand => ({
  type: 'RequestPayment',
  data: { ...payment, ...changes },
});
const authorize: PaymentCommand = { type: 'RecordAuthorization', data: { orderId, gatewayId: 'g-1' } };
const capture: PaymentCommand = { type: 'RecordCapture', data: { orderId, amount: 1530 } };
const decline: PaymentCommand = { type: 'RecordDecline', data: { orderId, code: 'card-expired', detail: 'The card has expired.' } };
const voiding: PaymentCommand = { type: 'RecordVoid', data: { orderId } };
const refund: PaymentCommand = { type: 'RecordRefund', data: { orderId, amount: 1530 } };
const unknown = (operation: PaymentOperation): PaymentCommand => ({
  type: 'RecordUnknownOutcome',
  data: { orderId, operation, detail: 'no answer in 2000 ms' },
});

const requested: PaymentEvent = { type: 'PaymentRequested', data: payment };
const authorized: PaymentEvent = { type: 'PaymentAuthorized', data: { orderId, gatewayId: 'g-1' } };
const captured: PaymentEvent = { type: 'PaymentCaptured', data: { orderId, amount: 1530 } };
const declined: PaymentEvent = { type: 'PaymentDeclined', data: { orderId, code: 'card-expired', detail: 'The card has expired.' } };
const voided: PaymentEvent = { type: 'PaymentVoided', data: { orderId } };
const refunded: PaymentEvent = { type: 'PaymentRefunded', data: { orderId, amount: 1530 } };
const outcomeUnknown = (operation: PaymentOperation): PaymentEvent => ({
  type: 'PaymentOutcomeUnknown',
  data: { orderId, operation, detail: 'no answer in 2000 ms' },
});

const history: Record<PaymentStatus | 'absent' | 'voided unseen', PaymentEvent[]> = {
  absent: [],
  requested: [requested],
  authorized: [requested, authorized],
  captured: [requested, authorized, captured],
  refunded: [requested, authorized, captured, refunded],
  declined: [requested, declined],
  voided: [requested, authorized, voided],
  'voided unseen': [requested, voided],
};

const when = (events: PaymentEvent[], command: PaymentCommand) => given(paymentDecider, events).when(command);

describe('requesting', () => {
  it('requests a payment once', () => {
    expect(when([], request())).toEqual([requested]);
    expect(when([requested], request())).toEqual([]);
    expect(when(history.refunded, request())).toEqual([]);
  });

  it('refuses another payment for the same order', () => {
    expect(when([requested], request({ amount: 1 }))).toBe('payment.already-requested');
    expect(when([requested], request({ reference: 'other' }))).toBe('payment.already-requested');
    expect(when([requested], request({ currency: 'EUR' }))).toBe('payment.already-requested');
  });

  it('refuses what is no amount, currency or text', () => {
    for (const amount of [-1, 0.5, Number.NaN, Number.MAX_SAFE_INTEGER])
      expect(when([], request({ amount }))).toBe('payment.amount-invalid');
    expect(when([], request({ currency: 'gbp' }))).toBe('payment.currency-unknown');
    expect(when([], request({ reference: '' }))).toBe('payment.text-invalid');
    expect(when([], request({ paymentToken: 'tok\0' }))).toBe('payment.text-invalid');
  });
});

describe('every fact in every status', () => {
  const late: PaymentEvent[] = [];
  const missing = 'payment.not-found';
  // One row a status: authorize, capture, decline, void, refund.
  it.each<[keyof typeof history, (PaymentEvent[] | string)[]]>([
    ['absent', [missing, missing, missing, missing, missing]],
    ['requested', [[authorized], 'payment.not-authorized', [declined], [voided], 'payment.not-captured']],
    ['authorized', [late, [captured], 'payment.already-authorized', [voided], 'payment.not-captured']],
    ['captured', [late, late, 'payment.already-captured', 'payment.already-captured', [refunded]]],
    ['refunded', [late, late, 'payment.already-refunded', 'payment.already-refunded', late]],
    ['declined', ['payment.already-declined', 'payment.already-declined', late, 'payment.already-declined', 'payment.already-declined']],
    ['voided', [late, 'payment.already-voided', 'payment.already-voided', late, 'payment.already-voided']],
    ['voided unseen', ['payment.already-voided', 'payment.already-voided', late, late, 'payment.already-voided']],
  ])('%s', (status, outcomes) => {
    const facts = [authorize, capture, decline, voiding, refund];
    expect(facts.map((fact) => when(history[status], fact))).toEqual(outcomes);
  });
});

describe('contradicting facts', () => {
  it('refuses a second authorization under another id of the gateway', () => {
    const other: PaymentCommand = { type: 'RecordAuthorization', data: { orderId, gatewayId: 'g-2' } };
    expect(when(history.authorized, other)).toBe('payment.authorized-twice');
    expect(when(history.voided, other)).toBe('payment.authorized-twice');
  });

  it('refuses to capture or refund anything but the whole', () => {
    expect(when(history.authorized, { type: 'RecordCapture', data: { orderId, amount: 1529 } })).toBe('payment.amount-mismatch');
    expect(when(history.captured, { type: 'RecordCapture', data: { orderId, amount: 1 } })).toBe('payment.amount-mismatch');
    expect(when(history.captured, { type: 'RecordRefund', data: { orderId, amount: 1531 } })).toBe('payment.amount-mismatch');
  });
});

describe('an unknown outcome', () => {
  const operations: PaymentOperation[] = ['authorize', 'capture', 'void', 'refund'];

  // One row a status: authorize, capture, void, refund.
  it.each<[keyof typeof history, (PaymentOperation | 'late' | string)[]]>([
    ['absent', ['payment.not-found', 'payment.not-found', 'payment.not-found', 'payment.not-found']],
    ['requested', ['authorize', 'payment.not-authorized', 'void', 'payment.not-captured']],
    ['authorized', ['late', 'capture', 'void', 'payment.not-captured']],
    ['captured', ['late', 'late', 'late', 'refund']],
    ['refunded', ['late', 'late', 'late', 'late']],
    ['declined', ['late', 'late', 'late', 'late']],
    ['voided', ['late', 'late', 'late', 'late']],
  ])('is recorded in %s only of what may be under way', (status, outcomes) => {
    expect(operations.map((operation) => when(history[status], unknown(operation)))).toEqual(
      outcomes.map((outcome) =>
        outcome === 'late' ? [] : outcome.includes('.') ? outcome : [outcomeUnknown(outcome as PaymentOperation)],
      ),
    );
  });

  it('is recorded once for each operation', () => {
    expect(when([requested, outcomeUnknown('authorize')], unknown('authorize'))).toEqual([]);
    expect(when([...history.authorized, outcomeUnknown('capture')], unknown('void'))).toEqual([outcomeUnknown('void')]);
  });

  it('is remembered with its operation until a fact settles it', () => {
    const state = (...events: PaymentEvent[]) => fold(paymentDecider, events);
    expect(state(requested, outcomeUnknown('authorize'))).toMatchObject({ status: 'requested', unknown: ['authorize'] });
    expect(state(requested, outcomeUnknown('authorize'), outcomeUnknown('void'), authorized)).toMatchObject({
      status: 'authorized',
      unknown: ['void'],
    });
    expect(state(...history.authorized, outcomeUnknown('capture'), outcomeUnknown('void'))).toMatchObject({ unknown: ['capture', 'void'] });
    expect(state(...history.authorized, outcomeUnknown('capture'), captured)).toMatchObject({ status: 'captured', unknown: [] });
    expect(state(...history.captured, outcomeUnknown('refund'), refunded)).toMatchObject({ status: 'refunded', unknown: [] });
  });

  it('does not stand in the way of the answer that comes after all', () => {
    expect(when([requested, outcomeUnknown('authorize')], authorize)).toEqual([authorized]);
    expect(when([requested, outcomeUnknown('authorize')], decline)).toEqual([declined]);
    expect(when([...history.authorized, outcomeUnknown('capture')], capture)).toEqual([captured]);
    expect(when([...history.authorized, outcomeUnknown('void')], voiding)).toEqual([voided]);
    expect(when([...history.captured, outcomeUnknown('refund')], refund)).toEqual([refunded]);
  });
});

it('mends the wording of the gateway instead of losing the fact', () => {
  const told: PaymentCommand = { type: 'RecordDecline', data: { orderId, code: 'x'.repeat(200), detail: 'a\0\uD800' } };
  expect(when([requested], told)).toEqual([{ type: 'PaymentDeclined', data: { orderId, code: 'x'.repeat(100), detail: 'a\uFFFD\uFFFD' } }]);
});

it('keeps no personal data in its state', () => {
  expect(JSON.stringify(fold(paymentDecider, [requested]))).not.toContain('tok_ok');
});
