import type { OrderCommand } from '../order/order.commands.js';
import type { PaymentCommand } from '../payment/payment.commands.js';
import type { PaymentOperation } from '../payment/payment.events.js';
import type { StockCommand } from '../stock/stock.commands.js';
import type { FulfilmentGoal } from './fulfilment.state.js';
import type { GatewayPaymentStatus } from './fulfilment.workflow.js';

/** A fulfilment without its data: what decides which step is next. */
export interface SagaSituation {
  readonly status: 'not-started' | 'reserving' | 'paying' | 'parked' | 'confirmed' | 'rejected' | 'cancelled';
  readonly goal: FulfilmentGoal;
  readonly goods: 'none' | 'reserved' | 'shipped';
  readonly money: 'none' | 'authorized' | 'captured';
  /** The step at the gateway; `none` where there is none. */
  readonly step: PaymentOperation | 'none';
  /** How the gateway is asked for it: by sending the step, or by looking the payment up. */
  readonly ask: 'send' | 'look-up' | 'none';
}

/**
 * An input without its data. What the gateway says is of the step that the saga waits for; of another step it is ignored, and so is what
 * a look-up found where none is waited for.
 */
export type SagaInput =
  | 'start'
  | 'stock-reserved'
  | 'stock-refused'
  | 'cancel'
  | 'retry'
  | 'give-up'
  /** An operator's evidence about the step it is parked at. */
  | 'proven-done'
  | 'proven-not-done'
  | 'done'
  | 'declined'
  /** Refused for good, and not by the customer's bank. */
  | 'rejected'
  | 'unknown'
  /** The last of MAX_ATTEMPTS. */
  | 'unknown-again'
  | `found-${GatewayPaymentStatus}`;

/** What a step does outside the saga's own stream, in this order: commands for the aggregates, then a call to the gateway. */
export type SagaEffect = OrderCommand['type'] | PaymentCommand['type'] | StockCommand['type'] | 'send' | 'look-up';

export interface SagaStepRule {
  /** Where it holds: every situation with these values. */
  readonly at: { readonly [Key in keyof SagaSituation]?: SagaSituation[Key] | readonly SagaSituation[Key][] };
  readonly input: SagaInput | readonly SagaInput[];
  /** What changes. */
  readonly to: Partial<SagaSituation>;
  readonly effects: readonly SagaEffect[];
}

const UNWANTED = ['reject', 'cancel'] as const;
const NOWHERE = { step: 'none', ask: 'none' } as const;
const REJECTED = { ...NOWHERE, status: 'rejected', goal: 'reject', goods: 'none', money: 'none' } as const;
const CANCELLED = { ...NOWHERE, status: 'cancelled', goods: 'none', money: 'none' } as const;
const PARKED = { status: 'parked', ask: 'none' } as const;
const sending = (step: PaymentOperation) => ({ status: 'paying', step, ask: 'send' }) as const;

/**
 * Every step of the fulfilment saga: where × input → where, and what it does outside. What is not here changes nothing.
 * The workflow decides by its own code; fulfilment.table.spec.ts drives that code through every situation and input, and fails where the
 * two part. The model in dev/model is made of this table, so what it proves holds for the code.
 */
export const FULFILMENT_STEPS: readonly SagaStepRule[] = withProofs([
  // Goods
  { at: { status: 'not-started' }, input: 'start', to: { status: 'reserving' }, effects: ['ReserveStock'] },
  {
    at: { status: 'reserving', goal: 'confirm' },
    input: 'stock-reserved',
    to: { ...sending('authorize'), goods: 'reserved' },
    effects: ['RequestPayment', 'send'],
  },
  { at: { status: 'reserving', goal: 'cancel' }, input: 'stock-reserved', to: CANCELLED, effects: ['ReleaseStock'] },
  { at: { status: 'reserving', goal: 'confirm' }, input: 'stock-refused', to: REJECTED, effects: ['RejectOrder'] },
  { at: { status: 'reserving', goal: 'cancel' }, input: 'stock-refused', to: CANCELLED, effects: [] },

  // Authorization
  {
    at: { status: 'paying', step: 'authorize', goal: 'confirm' },
    input: ['done', 'found-authorized'],
    to: { ...sending('capture'), money: 'authorized' },
    effects: ['RecordAuthorization', 'send'],
  },
  {
    at: { status: 'paying', step: 'authorize', goal: UNWANTED },
    input: ['done', 'found-authorized', 'found-captured', 'found-refunded'],
    to: { ...sending('void'), money: 'authorized' },
    effects: ['RecordAuthorization', 'send'],
  },
  {
    at: { status: 'paying', step: 'authorize', goal: ['confirm', 'reject'] },
    input: ['declined', 'found-declined'],
    to: REJECTED,
    effects: ['RecordDecline', 'ReleaseStock', 'RejectOrder'],
  },
  {
    at: { status: 'paying', step: 'authorize', goal: 'cancel' },
    input: ['declined', 'found-declined'],
    to: CANCELLED,
    effects: ['RecordDecline', 'ReleaseStock'],
  },
  {
    at: { status: 'paying', step: 'authorize', goal: 'confirm' },
    input: 'found-none',
    to: sending('authorize'),
    effects: ['RequestPayment', 'send'],
  },
  // "Not done" never proves that it is not on its way: voided by reference, not closed.
  { at: { status: 'paying', step: 'authorize', goal: UNWANTED }, input: 'found-none', to: sending('void'), effects: ['send'] },
  {
    at: { status: 'paying', step: 'authorize', goal: 'confirm' },
    input: ['found-voided', 'found-captured', 'found-refunded'],
    to: PARKED,
    effects: [],
  },

  // Capture
  {
    at: { status: 'paying', step: 'capture', goal: 'confirm' },
    input: ['done', 'found-captured'],
    to: { ...NOWHERE, status: 'confirmed', goods: 'shipped', money: 'captured' },
    effects: ['RecordCapture', 'ShipStock', 'ConfirmOrder'],
  },
  {
    at: { status: 'paying', step: 'capture', goal: UNWANTED },
    input: ['done', 'found-captured', 'found-refunded'],
    to: { ...sending('refund'), money: 'captured' },
    effects: ['RecordCapture', 'send'],
  },
  {
    at: { status: 'paying', step: 'capture', goal: 'confirm' },
    input: 'declined',
    to: { ...sending('void'), goal: 'reject' },
    effects: ['send'],
  },
  { at: { status: 'paying', step: 'capture', goal: UNWANTED }, input: 'declined', to: sending('void'), effects: ['send'] },
  {
    at: { status: 'paying', step: 'capture', goal: 'confirm' },
    input: 'found-authorized',
    to: sending('capture'),
    effects: ['send'],
  },
  { at: { status: 'paying', step: 'capture', goal: UNWANTED }, input: 'found-authorized', to: sending('void'), effects: ['send'] },
  { at: { status: 'paying', step: 'capture' }, input: ['found-none', 'found-declined'], to: PARKED, effects: [] },
  { at: { status: 'paying', step: 'capture', goal: 'confirm' }, input: ['found-voided', 'found-refunded'], to: PARKED, effects: [] },

  // Taking back an authorization, seen or not
  {
    at: { status: 'paying', step: 'void' },
    input: ['found-none', 'found-authorized'],
    to: sending('void'),
    effects: ['send'],
  },
  {
    at: { status: 'paying', step: 'void', goal: 'reject', money: 'none' },
    input: 'found-declined',
    to: REJECTED,
    effects: ['RecordDecline', 'ReleaseStock', 'RejectOrder'],
  },
  {
    at: { status: 'paying', step: 'void', goal: 'cancel', money: 'none' },
    input: 'found-declined',
    to: CANCELLED,
    effects: ['RecordDecline', 'ReleaseStock'],
  },
  { at: { status: 'paying', step: 'void', money: 'authorized' }, input: 'found-declined', to: PARKED, effects: [] },
  // The capture given up landed after all.
  {
    at: { status: 'paying', step: 'void', money: 'authorized' },
    input: ['found-captured', 'found-refunded'],
    to: { ...sending('refund'), money: 'captured' },
    effects: ['RecordCapture', 'send'],
  },
  // Nobody here saw it authorized, but it must have been.
  {
    at: { status: 'paying', step: 'void', money: 'none' },
    input: ['found-captured', 'found-refunded'],
    to: { ...sending('void'), money: 'authorized' },
    effects: ['RecordAuthorization', 'send'],
  },
  { at: { status: 'paying', step: 'void' }, input: 'declined', to: PARKED, effects: [] },
  {
    at: { status: 'paying', step: 'void', goal: 'reject' },
    input: ['done', 'found-voided'],
    to: REJECTED,
    effects: ['RecordVoid', 'ReleaseStock', 'RejectOrder'],
  },
  {
    at: { status: 'paying', step: 'void', goal: 'cancel' },
    input: ['done', 'found-voided'],
    to: CANCELLED,
    effects: ['RecordVoid', 'ReleaseStock'],
  },
  {
    at: { status: 'paying', step: ['authorize', 'capture'], goal: 'reject' },
    input: 'found-voided',
    to: REJECTED,
    effects: ['RecordVoid', 'ReleaseStock', 'RejectOrder'],
  },
  {
    at: { status: 'paying', step: ['authorize', 'capture'], goal: 'cancel' },
    input: 'found-voided',
    to: CANCELLED,
    effects: ['RecordVoid', 'ReleaseStock'],
  },

  // Giving the money back
  { at: { status: 'paying', step: 'refund' }, input: 'found-captured', to: sending('refund'), effects: ['send'] },
  {
    at: { status: 'paying', step: 'refund' },
    input: ['declined', 'found-none', 'found-authorized', 'found-declined', 'found-voided'],
    to: PARKED,
    effects: [],
  },
  {
    at: { status: 'paying', step: 'refund', goods: 'reserved', goal: 'reject' },
    input: ['done', 'found-refunded'],
    to: REJECTED,
    effects: ['RecordRefund', 'ReleaseStock', 'RejectOrder'],
  },
  {
    at: { status: 'paying', step: 'refund', goods: 'reserved', goal: 'cancel' },
    input: ['done', 'found-refunded'],
    to: CANCELLED,
    effects: ['RecordRefund', 'ReleaseStock'],
  },
  {
    at: { status: 'paying', step: 'refund', goods: 'shipped' },
    input: ['done', 'found-refunded'],
    to: CANCELLED,
    effects: ['RecordRefund', 'ReturnStock'],
  },

  // Whatever the step: what may have been done is asked after, never blindly sent again.
  { at: { status: 'paying' }, input: 'unknown', to: { ask: 'look-up' }, effects: ['RecordUnknownOutcome', 'look-up'] },
  { at: { status: 'paying' }, input: 'unknown-again', to: PARKED, effects: ['RecordUnknownOutcome'] },
  { at: { status: 'paying' }, input: 'rejected', to: PARKED, effects: [] },
  { at: { status: 'parked' }, input: 'retry', to: { status: 'paying', ask: 'look-up' }, effects: ['look-up'] },
  {
    at: { status: 'parked', goal: ['confirm', 'reject'] },
    input: 'give-up',
    to: { status: 'paying', ask: 'look-up', goal: 'reject' },
    effects: ['look-up'],
  },
  // "Not done" closes nothing, also when it is proven: the payment is voided first.
  {
    at: { status: 'parked', step: ['authorize', 'capture'], goal: ['confirm', 'reject'] },
    input: 'proven-not-done',
    to: { ...sending('void'), goal: 'reject' },
    effects: ['send'],
  },
  {
    at: { status: 'parked', step: ['authorize', 'capture'], goal: 'cancel' },
    input: 'proven-not-done',
    to: sending('void'),
    effects: ['send'],
  },
  { at: { status: 'parked', goal: 'cancel' }, input: 'give-up', to: { status: 'paying', ask: 'look-up' }, effects: ['look-up'] },

  // A step at the gateway is waited for before anything is taken back.
  { at: { status: ['reserving', 'paying', 'parked'], goal: ['confirm', 'reject'] }, input: 'cancel', to: { goal: 'cancel' }, effects: [] },
  { at: { status: 'confirmed', goal: 'confirm' }, input: 'cancel', to: { ...sending('refund'), goal: 'cancel' }, effects: ['send'] },
]);

/** What an operator proves done, where the step is parked, is as if the gateway had said so. */
function withProofs(rules: readonly SagaStepRule[]): readonly SagaStepRule[] {
  const done = rules.filter(({ input }) => [input].flat().includes('done'));
  return [...rules, ...done.map((rule) => ({ ...rule, at: { ...rule.at, status: 'parked' as const }, input: 'proven-done' as const }))];
}

export const FIRST_SITUATION: SagaSituation = { ...NOWHERE, status: 'not-started', goal: 'confirm', goods: 'none', money: 'none' };

export const SAGA_INPUTS: readonly SagaInput[] = [
  'start',
  'stock-reserved',
  'stock-refused',
  'cancel',
  'retry',
  'give-up',
  'proven-done',
  'proven-not-done',
  'done',
  'declined',
  'rejected',
  'unknown',
  'unknown-again',
  'found-none',
  'found-authorized',
  'found-captured',
  'found-declined',
  'found-voided',
  'found-refunded',
];

/** One rule at one situation. */
export interface SagaRow {
  readonly from: SagaSituation;
  readonly input: SagaInput;
  readonly to: SagaSituation;
  readonly effects: readonly SagaEffect[];
  readonly rule: SagaStepRule;
}

/** The rules written out for every situation that can be reached by them. Throws when two speak of the same step. */
export function sagaRows(rules: readonly SagaStepRule[] = FULFILMENT_STEPS): SagaRow[] {
  const rows: SagaRow[] = [];
  const seen = new Map([[situationName(FIRST_SITUATION), FIRST_SITUATION]]);
  for (const from of seen.values()) {
    for (const input of SAGA_INPUTS) {
      if (input.startsWith('found-') && from.ask !== 'look-up') continue;
      const [rule, second] = rules.filter((rule) => holds(rule, from) && [rule.input].flat().includes(input));
      if (second !== undefined) throw new Error(`two rules say what "${input}" does to ${situationName(from)}`);
      if (rule === undefined) continue;
      const to = { ...from, ...rule.to };
      rows.push({ from, input, to, effects: rule.effects, rule });
      // A map's iteration goes on to what is added meanwhile.
      if (!seen.has(situationName(to))) seen.set(situationName(to), to);
    }
  }
  return rows;
}

/** Short and unique: the status, or the step at the gateway and how it is asked for, then goal, goods and money. */
export function situationName({ status, goal, goods, money, step, ask }: SagaSituation): string {
  const where = status === 'paying' ? `${ask === 'send' ? 'send' : 'ask'} ${step}` : status === 'parked' ? `parked ${step}` : status;
  return [where, goal, goods, money].join(' ');
}

const holds = ({ at }: SagaStepRule, situation: SagaSituation): boolean =>
  Object.entries(at).every(([key, wanted]) => [wanted].flat().includes(situation[key as keyof SagaSituation]));
