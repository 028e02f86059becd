import { DomainError } from '../domain-error.js';
import type { StockShortage } from '../order/order.events.js';
import type { PaymentOperation } from '../payment/payment.events.js';
import { mendText, requireName, requireText } from '../text.js';
import type { FulfilmentEvent, FulfilmentItem, FulfilmentStep } from './fulfilment.events.js';
import { FULFILMENT_SAGA } from './saga-definition.js';
import { evolveFulfilment, type FulfilmentState, type StartedFulfilment } from './fulfilment.state.js';

/** What the gateway's book says of a payment when it is asked by our reference. */
export type GatewayPaymentStatus = 'none' | 'authorized' | 'captured' | 'declined' | 'voided' | 'refunded';

export type FulfilmentInput =
  | {
      readonly type: 'StartFulfilment';
      readonly orderId: string;
      readonly items: readonly FulfilmentItem[];
      readonly amount: number;
      readonly currency: string;
      readonly paymentToken: string;
    }
  | { readonly type: 'StockReserved' }
  | { readonly type: 'StockRefused'; readonly shortages: readonly StockShortage[] }
  | { readonly type: 'GatewayDone'; readonly operation: PaymentOperation; readonly gatewayId: string | null }
  | { readonly type: 'GatewayDeclined'; readonly operation: PaymentOperation; readonly code: string; readonly detail: string }
  /** The gateway understood us and will never do it (a malformed request, an unknown payment): repeating it is of no use. */
  | { readonly type: 'GatewayRejected'; readonly operation: PaymentOperation; readonly code: string; readonly detail: string }
  /** No usable answer, or none within the deadline: a timeout is a message like any other. */
  | { readonly type: 'GatewayUnknown'; readonly operation: PaymentOperation; readonly detail: string }
  | {
      readonly type: 'GatewayFound';
      readonly operation: PaymentOperation;
      readonly payment: GatewayPaymentStatus;
      readonly gatewayId: string | null;
    }
  | { readonly type: 'RequestCancellation'; readonly reason: string }
  | { readonly type: 'ResumeFulfilment'; readonly mode: 'retry' | 'compensate'; readonly reason: string }
  /** An operator knows what became of the step, from elsewhere than the gateway's answers. */
  | { readonly type: 'ResolveFulfilment'; readonly outcome: 'done' | 'not-done'; readonly evidence: string; readonly reference: string };

/** What the runner owes the saga now. Derived from the state alone, so a restart knows it again. */
export type FulfilmentAction =
  | { readonly kind: 'reserve'; readonly items: readonly FulfilmentItem[] }
  | { readonly kind: 'send'; readonly operation: PaymentOperation; readonly attempt: number }
  | { readonly kind: 'look-up'; readonly operation: PaymentOperation; readonly attempt: number }
  | { readonly kind: 'none' };

/** Unknown outcomes of one step in a row before the saga parks. With the runner's backoff that is about five minutes. */
export const MAX_ATTEMPTS = 12;

export const initialFulfilment: FulfilmentState = { status: 'not-started' };

/**
 * The fulfilment saga: reserve → authorize → capture → confirm, and its compensation.
 * - Pure: the same input on the same state always gives the same events; nothing is minted here.
 * - A late, repeated or foreign input gives no events; an ended saga only listens to the cancellation of a confirmed order. Only an
 *   operator, who waits for an answer, is told: resuming or resolving what is not parked is a DomainError.
 * - The undo of a step is written (`undo` of the dispatch) before the step leaves; a step of unknown outcome is asked after, never
 *   blindly sent again.
 */
export function decideFulfilment(input: FulfilmentInput, state: FulfilmentState): FulfilmentEvent[] {
  if (input.type === 'ResumeFulfilment') return resumed(input, state);
  if (input.type === 'ResolveFulfilment') return resolved(input, state);
  if (state.status === 'rejected' || state.status === 'cancelled') return [];
  if (input.type === 'StartFulfilment') return state.status === 'not-started' ? [started(input)] : [];
  if (state.status === 'not-started') return [];

  switch (input.type) {
    case 'StockReserved':
      return state.status === 'reserving' ? proceed(state, completed(state, 'reserve')) : [];
    case 'StockRefused':
      return state.status === 'reserving'
        ? proceed(state, refused(state, 'reserve', 'out-of-stock', shortageText(input.shortages), input.shortages))
        : [];
    case 'RequestCancellation':
      return requestCancellation(state, input.reason);
    case 'GatewayDone':
      return isAwaiting(state, input.operation) ? proceed(state, completed(state, input.operation, input.gatewayId)) : [];
    case 'GatewayDeclined':
      return isAwaiting(state, input.operation) ? declined(state, input.operation, input.code, input.detail) : [];
    case 'GatewayRejected':
      return isAwaiting(state, input.operation)
        ? [parked(state, 'gateway-rejected', `${input.operation}: ${input.code}, ${input.detail}`)]
        : [];
    case 'GatewayUnknown':
      return isAwaiting(state, input.operation) ? outcomeUnknown(state, input.operation, input.detail) : [];
    case 'GatewayFound':
      // A look-up that comes late, when the step is under way again, knows less than the step's own outcome will tell.
      return isAwaiting(state, input.operation) && state.unknown ? found(state, input.operation, input.payment, input.gatewayId) : [];
  }
}

/** What the saga waits for in `state`. */
export function nextAction(state: FulfilmentState): FulfilmentAction {
  if (state.status === 'reserving') return { kind: 'reserve', items: state.items };
  if (state.status !== 'paying') return { kind: 'none' };
  return { kind: state.unknown ? 'look-up' : 'send', operation: state.operation, attempt: state.attempt };
}

type Paying = Extract<FulfilmentState, { status: 'paying' }>;

const isAwaiting = (state: FulfilmentState, operation: PaymentOperation): state is Paying =>
  state.status === 'paying' && state.operation === operation;

const started = (input: Extract<FulfilmentInput, { type: 'StartFulfilment' }>): FulfilmentEvent => {
  const { orderId, items, amount, currency, paymentToken } = input;
  return { type: 'FulfilmentStarted', data: { orderId, items, amount, currency, paymentToken } };
};

function resumed({ mode, reason }: Extract<FulfilmentInput, { type: 'ResumeFulfilment' }>, state: FulfilmentState): FulfilmentEvent[] {
  const { orderId } = requireParked(state);
  return [{ type: 'FulfilmentResumed', data: { orderId, mode, reason } }];
}

/**
 * What an operator says of the step is believed, and the saga goes on from there. Not so far as to close an order on "not done", for the
 * reason given at `found`: the payment is voided first. A payment given back cannot be "not done": that is tried again, or done by hand.
 */
function resolved(input: Extract<FulfilmentInput, { type: 'ResolveFulfilment' }>, state: FulfilmentState): FulfilmentEvent[] {
  const { outcome } = input;
  const parkedState = requireParked(state);
  const { orderId, operation: step } = parkedState;
  if (outcome === 'not-done' && (step === 'void' || step === 'refund')) {
    throw new DomainError('fulfilment.resolution-impossible', `${step} must be done before order ${orderId} can end: retry it`, { step });
  }
  const evidence = requireText(input.evidence, 2_000, 'fulfilment.evidence-invalid', 'evidence');
  const reference = requireName(input.reference, 200, 'fulfilment.evidence-invalid', 'reference');
  const event: FulfilmentEvent = { type: 'FulfilmentResolved', data: { orderId, step, outcome, evidence, reference } };
  const after = evolveFulfilment(parkedState, event) as StartedFulfilment;
  if (outcome === 'done') return [event, ...proceed(after, completed(after, step))];
  if (step === 'authorize') return [event, dispatched(after, 'void')];
  return [event, ...proceed(after, refused(after, step, 'operator', 'not done, by evidence of an operator'))];
}

function requireParked(state: FulfilmentState): Extract<FulfilmentState, { status: 'parked' }> {
  if (state.status === 'not-started') throw new DomainError('fulfilment.not-found', 'there is no such fulfilment');
  if (state.status !== 'parked')
    throw new DomainError('fulfilment.not-parked', `the fulfilment of order ${state.orderId} is ${state.status}`);
  return state;
}

const completed = (state: StartedFulfilment, step: FulfilmentStep, gatewayId: string | null = null): FulfilmentEvent => ({
  type: 'FulfilmentStepCompleted',
  data: { orderId: state.orderId, step, gatewayId },
});

const refused = (
  state: StartedFulfilment,
  step: FulfilmentStep,
  code: string,
  detail: string,
  shortages: readonly StockShortage[] = [],
): FulfilmentEvent => ({
  type: 'FulfilmentStepRefused',
  data: { orderId: state.orderId, step, code: mendText(code, 100), detail: mendText(detail), shortages },
});

const dispatched = (state: StartedFulfilment, step: PaymentOperation, attempt = 1): FulfilmentEvent => ({
  type: 'FulfilmentStepDispatched',
  data: { orderId: state.orderId, step, attempt, undo: undoOf(step) },
});

function undoOf(step: FulfilmentStep): FulfilmentStep | null {
  if (step === 'capture') return 'refund';
  const definition = FULFILMENT_SAGA.find((candidate) => candidate.step === step);
  return definition?.kind === 'compensable' ? definition.undo : null;
}

/** Appends what follows from `first`, up to the next step that has to leave the process or to the end. */
function proceed(state: StartedFulfilment, first: FulfilmentEvent): FulfilmentEvent[] {
  const events = [first];
  let current = evolveFulfilment(state, first);
  while (current.status === 'deciding') {
    const next = following(current);
    events.push(next);
    current = evolveFulfilment(current, next);
  }
  return events;
}

function following(state: Extract<FulfilmentState, { status: 'deciding' }>): FulfilmentEvent {
  if (state.goal === 'confirm') {
    if (state.money === 'none') return dispatched(state, 'authorize');
    if (state.money === 'authorized') return dispatched(state, 'capture');
    if (state.goods === 'reserved') return completed(state, 'confirm');
    return ended(state, 'confirmed');
  }
  if (state.money === 'captured') return dispatched(state, 'refund');
  if (state.money === 'authorized') return dispatched(state, 'void');
  if (state.goods === 'reserved') return completed(state, 'release');
  if (state.goods === 'shipped') return completed(state, 'return');
  return ended(state, state.goal === 'cancel' ? 'cancelled' : 'rejected');
}

const ended = (state: StartedFulfilment, outcome: 'confirmed' | 'rejected' | 'cancelled'): FulfilmentEvent => ({
  type: 'FulfilmentCompleted',
  data: { orderId: state.orderId, outcome },
});

function requestCancellation(state: StartedFulfilment, reason: string): FulfilmentEvent[] {
  if (state.goal === 'cancel') return [];
  const requested: FulfilmentEvent = { type: 'FulfilmentCancellationRequested', data: { orderId: state.orderId, reason } };
  // A step at the gateway is waited for: taking it back before its outcome is known could leave money behind.
  return state.status === 'confirmed' ? [requested, dispatched(state, 'refund')] : [requested];
}

function declined(state: Paying, operation: PaymentOperation, code: string, detail: string): FulfilmentEvent[] {
  const isForward = operation === 'authorize' || operation === 'capture';
  return isForward
    ? proceed(state, refused(state, operation, code, detail))
    : [parked(state, 'gateway-refused', `${operation}: ${code}, ${detail}`)];
}

function outcomeUnknown(state: Paying, operation: PaymentOperation, detail: string): FulfilmentEvent[] {
  const unknown: FulfilmentEvent = {
    type: 'FulfilmentStepOutcomeUnknown',
    data: { orderId: state.orderId, step: operation, attempt: state.attempt, detail: mendText(detail) },
  };
  return state.attempt < MAX_ATTEMPTS ? [unknown] : [unknown, parked(state, 'gateway-outcome-unknown', detail)];
}

/**
 * The book settles an unknown outcome. "Not done" never proves that a call is not still on its way there, so an order nobody wants any
 * more is not closed on it: the payment is voided by our reference, which also stops an authorization that arrives later, and what has
 * landed meanwhile is taken back. While the order is wanted, a book that contradicts ours is for an operator to judge.
 */
function found(state: Paying, operation: PaymentOperation, payment: GatewayPaymentStatus, gatewayId: string | null): FulfilmentEvent[] {
  const isWanted = state.goal === 'confirm';
  switch (`${operation}:${payment}` as const) {
    case 'authorize:authorized':
    case 'capture:captured':
    case 'void:voided':
    case 'refund:refunded':
      return proceed(state, completed(state, operation, gatewayId));
    case 'authorize:none':
      return [isWanted ? dispatched(state, 'authorize', state.attempt) : dispatched(state, 'void')];
    case 'capture:authorized':
      if (isWanted) return [dispatched(state, 'capture', state.attempt)];
      return proceed(state, refused(state, 'capture', 'abandoned', 'the payment was not captured and is no longer wanted'));
    case 'void:authorized':
    case 'void:none':
    case 'refund:captured':
      return [dispatched(state, operation, state.attempt)];
    case 'authorize:declined':
      return declined(state, 'authorize', 'declined', 'found declined in the gateway’s book');
    case 'void:declined':
      // A payment we saw authorized cannot have been declined: for an operator.
      if (state.money === 'authorized') break;
      return proceed(state, refused(state, 'authorize', 'declined', 'found declined in the gateway’s book'));
    case 'void:captured':
    case 'void:refunded':
      // The capture given up landed after all. Without an authorization that we saw, that one is recorded first.
      return proceed(state, completed(state, state.money === 'authorized' ? 'capture' : 'authorize', gatewayId));
  }
  const known = `${operation} awaited, but the gateway says "${payment}"`;
  if (isWanted) return [parked(state, 'gateway-contradiction', known)];
  if (operation === 'authorize' && payment !== 'voided') return proceed(state, completed(state, 'authorize', gatewayId));
  if (operation === 'capture' && payment === 'refunded') return proceed(state, completed(state, 'capture', gatewayId));
  if (payment === 'voided' && operation !== 'refund') return proceed(state, completed(state, 'void', gatewayId));
  return [parked(state, 'gateway-contradiction', known)];
}

const parked = (state: Paying, code: string, detail: string): FulfilmentEvent => ({
  type: 'FulfilmentParked',
  data: { orderId: state.orderId, step: state.operation, code, detail: mendText(detail) },
});

const shortageText = (shortages: readonly StockShortage[]): string =>
  shortages.length === 1 ? `${shortages[0]?.sku} is short` : `${shortages.length} products are short`;
