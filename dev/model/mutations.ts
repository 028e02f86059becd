import { FULFILMENT_STEPS, type SagaInput, type SagaSituation, type SagaStepRule } from '#domain';

/** A saga that is wrong in one place, as one might be written. */
export interface Mutation {
  readonly name: string;
  readonly rules: readonly SagaStepRule[];
  /** Only a check of liveness finds it. */
  readonly liveness?: boolean;
}

const answers = ({ input }: SagaStepRule, wanted: SagaInput): boolean => [input].flat().includes(wanted);
const isAt = ({ at }: SagaStepRule, wanted: Partial<SagaSituation>): boolean =>
  Object.entries(wanted).every(([key, value]) => [at[key as keyof SagaSituation]].flat().includes(value));

/** The table with some rules changed; at least one must be, or the mutation is none. */
function mutate(
  chosen: (rule: SagaStepRule) => boolean,
  change: (rule: SagaStepRule) => SagaStepRule | undefined,
): readonly SagaStepRule[] {
  if (!FULFILMENT_STEPS.some(chosen)) throw new Error('a mutation that changes nothing');
  return FULFILMENT_STEPS.flatMap((rule) => (chosen(rule) ? (change(rule) ?? []) : rule));
}

const without = (rule: SagaStepRule, ...effects: readonly string[]): SagaStepRule => ({
  ...rule,
  effects: rule.effects.filter((effect) => !effects.includes(effect)),
});

/** What the model must find; each is a mistake that was made somewhere. */
export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'no refund after a capture that landed late',
    rules: mutate(
      (rule) => isAt(rule, { step: 'void', money: 'authorized' }) && answers(rule, 'found-captured'),
      (rule) => ({
        ...rule,
        to: { status: 'cancelled', goal: 'cancel', goods: 'none', money: 'none', step: 'none', ask: 'none' },
        effects: ['RecordCapture', 'ReleaseStock'],
      }),
    ),
  },
  {
    name: 'a step of unknown outcome is sent again without asking',
    rules: mutate(
      (rule) => answers(rule, 'unknown'),
      (rule) => ({ ...rule, to: { ask: 'send' }, effects: ['RecordUnknownOutcome', 'send'] }),
    ),
  },
  {
    name: 'the release is forgotten when the card is declined',
    rules: mutate(
      (rule) => isAt(rule, { step: 'authorize' }) && answers(rule, 'declined'),
      (rule) => without(rule, 'ReleaseStock'),
    ),
  },
  {
    name: 'a cancelled order is closed on a look-up that knows nothing',
    rules: mutate(
      (rule) => isAt(rule, { step: 'authorize', goal: 'cancel' }) && answers(rule, 'found-none'),
      (rule) => ({
        ...rule,
        to: { status: 'cancelled', goal: 'cancel', goods: 'none', step: 'none', ask: 'none' },
        effects: ['RecordVoid', 'ReleaseStock'],
      }),
    ),
  },
  {
    name: 'a cancellation while the money is captured is forgotten',
    rules: mutate(
      (rule) => isAt(rule, { step: 'capture', goal: 'cancel' }) && answers(rule, 'done'),
      (rule) => ({
        ...rule,
        to: { status: 'confirmed', goods: 'shipped', money: 'captured', step: 'none', ask: 'none' },
        effects: ['RecordCapture', 'ShipStock', 'ConfirmOrder'],
      }),
    ),
  },
  {
    name: 'a declined capture ends the order and leaves the authorization',
    rules: mutate(
      (rule) => isAt(rule, { step: 'capture', goal: 'confirm' }) && answers(rule, 'declined'),
      (rule) => ({
        ...rule,
        to: { status: 'rejected', goal: 'reject', goods: 'none', step: 'none', ask: 'none' },
        effects: ['ReleaseStock', 'RejectOrder'],
      }),
    ),
  },
  {
    name: 'an order that is cancelled after its confirmation is not taken back',
    liveness: true,
    rules: mutate(
      (rule) => isAt(rule, { status: 'confirmed' }) && answers(rule, 'cancel'),
      () => undefined,
    ),
  },
  {
    name: 'a void that meets a conflict is sent for ever',
    liveness: true,
    rules: mutate(
      (rule) => isAt(rule, { step: 'void', money: 'authorized' }) && answers(rule, 'found-captured'),
      (rule) => ({ ...rule, to: { status: 'paying', step: 'void', ask: 'send' }, effects: ['send'] }),
    ),
  },
];
