import type { OrderRejectionReason } from '../order/order.events.js';
import type { PaymentOperation } from '../payment/payment.events.js';
import type { FulfilmentEvent, FulfilmentItem, FulfilmentStep } from './fulfilment.events.js';

/** What the saga works towards. It only ever moves away from `confirm`, and `cancel` wins over `reject`. */
export type FulfilmentGoal = 'confirm' | 'reject' | 'cancel';

interface FulfilmentFacts {
  readonly orderId: string;
  readonly items: readonly FulfilmentItem[];
  /** Minor units. */
  readonly amount: number;
  readonly currency: string;
  readonly paymentToken: string;
  readonly goal: FulfilmentGoal;
  /** Why the order is to be rejected; set with the goal `reject`. */
  readonly refusal: OrderRejectionReason | null;
  /** How far the goods are: what remains to be released or returned. */
  readonly goods: 'none' | 'reserved' | 'shipped';
  /** How far the money certainly is: what remains to be voided or refunded. */
  readonly money: 'none' | 'authorized' | 'captured';
}

/** `unknown`: the gateway may or may not have done the step; it must be asked before anything is sent again. */
interface AtGateway extends FulfilmentFacts {
  readonly operation: PaymentOperation;
  /** 1 for the first dispatch; one more for each unknown outcome. */
  readonly attempt: number;
  readonly unknown: boolean;
}

export type FulfilmentState =
  | { readonly status: 'not-started' }
  | (FulfilmentFacts & { readonly status: 'reserving' })
  | (AtGateway & { readonly status: 'paying' })
  /** Between two steps: only seen inside one decision, never at the end of one. */
  | (FulfilmentFacts & { readonly status: 'deciding' })
  | (AtGateway & { readonly status: 'parked'; readonly code: string; readonly detail: string })
  | (FulfilmentFacts & { readonly status: 'confirmed' | 'rejected' | 'cancelled' });

export type StartedFulfilment = Exclude<FulfilmentState, { status: 'not-started' }>;

const isGatewayStep = (step: FulfilmentStep): step is PaymentOperation =>
  step === 'authorize' || step === 'capture' || step === 'void' || step === 'refund';

function factsOf(state: StartedFulfilment): FulfilmentFacts {
  const { orderId, items, amount, currency, paymentToken, goal, refusal, goods, money } = state;
  return { orderId, items, amount, currency, paymentToken, goal, refusal, goods, money };
}

function afterCompleted(state: StartedFulfilment, step: FulfilmentStep): FulfilmentState {
  const facts = factsOf(state);
  switch (step) {
    case 'reserve':
      return { ...facts, status: 'deciding', goods: 'reserved' };
    case 'authorize':
      return { ...facts, status: 'deciding', money: 'authorized' };
    case 'capture':
      return { ...facts, status: 'deciding', money: 'captured' };
    case 'confirm':
      return { ...facts, status: 'deciding', goods: 'shipped' };
    case 'void':
    case 'refund':
      return { ...facts, status: 'deciding', money: 'none' };
    case 'release':
    case 'return':
      return { ...facts, status: 'deciding', goods: 'none' };
  }
}

export function evolveFulfilment(state: FulfilmentState, event: FulfilmentEvent): FulfilmentState {
  if (event.type === 'FulfilmentStarted') {
    return { ...event.data, status: 'reserving', goal: 'confirm', refusal: null, goods: 'none', money: 'none' };
  }
  if (state.status === 'not-started') return state;
  const facts = factsOf(state);
  switch (event.type) {
    case 'FulfilmentStepDispatched':
      return isGatewayStep(event.data.step)
        ? { ...facts, status: 'paying', operation: event.data.step, attempt: event.data.attempt, unknown: false }
        : state;
    case 'FulfilmentStepCompleted':
      return afterCompleted(state, event.data.step);
    case 'FulfilmentStepRefused': {
      const { step, code, detail, shortages } = event.data;
      const refusal: OrderRejectionReason =
        facts.refusal ??
        (step === 'reserve' ? { code: 'out-of-stock', detail, shortages } : { code: 'payment-declined', detail: `${code}: ${detail}` });
      return { ...facts, status: 'deciding', goal: facts.goal === 'confirm' ? 'reject' : facts.goal, refusal };
    }
    case 'FulfilmentStepOutcomeUnknown':
      return state.status === 'paying' ? { ...state, unknown: true, attempt: event.data.attempt + 1 } : state;
    case 'FulfilmentCancellationRequested':
      return { ...state, goal: 'cancel' };
    case 'FulfilmentParked':
      return state.status === 'paying' ? { ...state, status: 'parked', code: event.data.code, detail: event.data.detail } : state;
    case 'FulfilmentResumed': {
      if (state.status !== 'parked') return state;
      const giveUp = event.data.mode === 'compensate' && facts.goal === 'confirm';
      return {
        ...facts,
        status: 'paying',
        operation: state.operation,
        attempt: 1,
        unknown: true,
        goal: giveUp ? 'reject' : facts.goal,
        refusal: giveUp ? { code: 'operator', detail: event.data.reason } : facts.refusal,
      };
    }
    case 'FulfilmentResolved': {
      if (state.status !== 'parked') return state;
      const giveUp = event.data.outcome === 'not-done' && facts.goal === 'confirm';
      return {
        ...facts,
        status: 'deciding',
        goal: giveUp ? 'reject' : facts.goal,
        refusal: giveUp ? { code: 'operator', detail: event.data.evidence } : facts.refusal,
      };
    }
    case 'FulfilmentCompleted':
      return { ...facts, status: event.data.outcome };
  }
}
