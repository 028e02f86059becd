import { isCount } from '../amount.js';
import { isCurrency } from '../currency.js';
import { DomainError } from '../domain-error.js';
import type { Decider } from '../domain-event.js';
import { mendText, requireText } from '../text.js';
import type { PaymentCommand, RecordDecline, RecordUnknownOutcome, RequestPayment } from './payment.commands.js';
import type { PaymentEvent, PaymentOperation } from './payment.events.js';

export type { PaymentCommand };

export type PaymentStatus = 'requested' | 'authorized' | 'captured' | 'refunded' | 'declined' | 'voided';

interface PaymentFacts {
  readonly orderId: string;
  readonly reference: string;
  /** Minor units; captured and refunded as a whole. */
  readonly amount: number;
  readonly currency: string;
  /** The gateway's own name for it; null until an authorization was seen, so it may stay null in `voided`. */
  readonly gatewayId: string | null;
  /** Operations of which nobody knows yet whether the gateway did them; only such as are still possible in this status. */
  readonly unknown: readonly PaymentOperation[];
}

type LivePayment = PaymentFacts & { readonly status: Exclude<PaymentStatus, 'declined'> };
type DeclinedPayment = PaymentFacts & { readonly status: 'declined'; readonly code: string; readonly detail: string };
type Payment = LivePayment | DeclinedPayment;

export type PaymentState = { readonly status: 'absent' } | Payment;

/** What may be under way at the gateway; the outcome of anything else is settled by the status, or not yet possible. */
const OPEN_OPERATIONS: Readonly<Record<PaymentStatus, readonly PaymentOperation[]>> = {
  requested: ['authorize', 'void'],
  authorized: ['capture', 'void'],
  captured: ['refund'],
  refunded: [],
  declined: [],
  voided: [],
};

/**
 * requested → authorized → captured → refunded; requested → declined; requested | authorized → voided. Commands record what the
 * gateway said, so most are late or repeated at some time (`[]`); one that contradicts what is recorded is refused, never believed.
 */
export const paymentDecider: Decider<PaymentState, PaymentCommand, PaymentEvent> = {
  initialState: { status: 'absent' },

  decide(command, state) {
    if (command.type === 'RequestPayment') return request(command.data, state);
    const payment = existing(state);
    switch (command.type) {
      case 'RecordAuthorization':
        return authorize(mendText(command.data.gatewayId), payment);
      case 'RecordCapture':
        return capture(command.data.amount, payment);
      case 'RecordDecline':
        return decline(command.data, payment);
      case 'RecordUnknownOutcome':
        return unknownOutcome(command.data, payment);
      case 'RecordVoid':
        return voidPayment(payment);
      case 'RecordRefund':
        return refund(command.data.amount, payment);
    }
  },

  evolve(state, event) {
    if (event.type === 'PaymentRequested') {
      const { orderId, reference, amount, currency } = event.data;
      return { status: 'requested', orderId, reference, amount, currency, gatewayId: null, unknown: [] };
    }
    const payment = existing(state);
    switch (event.type) {
      case 'PaymentAuthorized':
        return { ...factsIn('authorized', payment), status: 'authorized', gatewayId: event.data.gatewayId };
      case 'PaymentCaptured':
        return { ...factsIn('captured', payment), status: 'captured' };
      case 'PaymentDeclined':
        return { ...factsIn('declined', payment), status: 'declined', code: event.data.code, detail: event.data.detail };
      case 'PaymentOutcomeUnknown':
        return { ...payment, unknown: [...payment.unknown, event.data.operation] };
      case 'PaymentVoided':
        return { ...factsIn('voided', payment), status: 'voided' };
      case 'PaymentRefunded':
        return { ...factsIn('refunded', payment), status: 'refunded' };
    }
  },
};

function request({ orderId, reference, amount, currency, paymentToken }: RequestPayment['data'], state: PaymentState): PaymentEvent[] {
  if (state.status !== 'absent') {
    if (state.reference === reference && state.amount === amount && state.currency === currency) return [];
    throw new DomainError('payment.already-requested', `the payment of order ${state.orderId} was requested before, and otherwise`);
  }
  if (!isCount(amount, 0)) throw new DomainError('payment.amount-invalid', 'amount must be whole minor units of at least 0');
  if (!isCurrency(currency)) throw new DomainError('payment.currency-unknown', 'currency must be an ISO 4217 code in capitals');
  requireText(reference, 200, 'payment.text-invalid', 'reference');
  requireText(paymentToken, 200, 'payment.text-invalid', 'paymentToken');
  return [{ type: 'PaymentRequested', data: { orderId, reference, amount, currency, paymentToken } }];
}

function authorize(gatewayId: string, payment: Payment): PaymentEvent[] {
  if (payment.status === 'requested') return [{ type: 'PaymentAuthorized', data: { orderId: payment.orderId, gatewayId } }];
  if (payment.gatewayId === null) throw contradiction(payment);
  if (payment.gatewayId === gatewayId) return [];
  throw new DomainError(
    'payment.authorized-twice',
    `the payment of order ${payment.orderId} was authorized as ${payment.gatewayId} before`,
  );
}

function capture(amount: number, payment: Payment): PaymentEvent[] {
  if (payment.status === 'requested') throw new DomainError('payment.not-authorized', notYet(payment, 'authorized'));
  if (payment.status === 'declined' || payment.status === 'voided') throw contradiction(payment);
  requireWhole(amount, payment);
  return payment.status === 'authorized' ? [{ type: 'PaymentCaptured', data: { orderId: payment.orderId, amount } }] : [];
}

function decline({ code, detail }: RecordDecline['data'], payment: Payment): PaymentEvent[] {
  if (payment.status === 'requested') {
    return [{ type: 'PaymentDeclined', data: { orderId: payment.orderId, code: mendText(code, 100), detail: mendText(detail) } }];
  }
  // Voided without an authorization: that it was declined all along fits.
  if (payment.status === 'declined' || (payment.status === 'voided' && payment.gatewayId === null)) return [];
  throw contradiction(payment);
}

function unknownOutcome({ operation, detail }: RecordUnknownOutcome['data'], payment: Payment): PaymentEvent[] {
  if (operation === 'capture' && payment.status === 'requested') {
    throw new DomainError('payment.not-authorized', notYet(payment, 'authorized'));
  }
  if (operation === 'refund' && (payment.status === 'requested' || payment.status === 'authorized')) {
    throw new DomainError('payment.not-captured', notYet(payment, 'captured'));
  }
  const isNews = OPEN_OPERATIONS[payment.status].includes(operation) && !payment.unknown.includes(operation);
  return isNews ? [{ type: 'PaymentOutcomeUnknown', data: { orderId: payment.orderId, operation, detail: mendText(detail) } }] : [];
}

function voidPayment(payment: Payment): PaymentEvent[] {
  if (payment.status === 'voided') return [];
  // From requested as well: an authorization nobody saw is undone blindly, and then there is nothing to be told of it.
  if (payment.status === 'requested' || payment.status === 'authorized') {
    return [{ type: 'PaymentVoided', data: { orderId: payment.orderId } }];
  }
  throw contradiction(payment);
}

function refund(amount: number, payment: Payment): PaymentEvent[] {
  if (payment.status === 'requested' || payment.status === 'authorized') {
    throw new DomainError('payment.not-captured', notYet(payment, 'captured'));
  }
  if (payment.status === 'declined' || payment.status === 'voided') throw contradiction(payment);
  requireWhole(amount, payment);
  return payment.status === 'captured' ? [{ type: 'PaymentRefunded', data: { orderId: payment.orderId, amount } }] : [];
}

/** Status by status: payment.already-authorized, -captured, -refunded, -declined, -voided. */
const contradiction = ({ status, orderId }: Payment): DomainError =>
  new DomainError(`payment.already-${status}`, `the payment of order ${orderId} is ${status}`);

const notYet = ({ orderId }: Payment, step: string): string => `the payment of order ${orderId} is not ${step}`;

function requireWhole(amount: number, { amount: whole, orderId }: Payment): void {
  if (amount !== whole)
    throw new DomainError('payment.amount-mismatch', `the payment of order ${orderId} is of ${whole}`, { amount, whole });
}

function existing(state: PaymentState): Payment {
  if (state.status === 'absent') throw new DomainError('payment.not-found', 'there is no such payment');
  return state;
}

/** The facts, less the operations that the next status settles. */
const factsIn = (next: PaymentStatus, { orderId, reference, amount, currency, gatewayId, unknown }: Payment): PaymentFacts => ({
  orderId,
  reference,
  amount,
  currency,
  gatewayId,
  unknown: unknown.filter((operation) => OPEN_OPERATIONS[next].includes(operation)),
});
