import type { Mutant } from '../mutant.js';

const WORKFLOW = 'libs/domain/fulfilment/fulfilment.workflow.ts';
const WORKFLOW_SPEC = 'libs/domain/fulfilment/fulfilment.workflow.spec.ts';
const STATE = 'libs/domain/fulfilment/fulfilment.state.ts';

/** What is decided: money and goods always end where they belong. */
export const SAGA_MUTANTS: readonly Mutant[] = [
  {
    name: 'undo-not-registered',
    mechanism: 'undo registered before dispatch',
    breaks: ['I9'],
    edits: [{ file: WORKFLOW, search: 'undo: undoOf(step) }', replace: 'undo: null }' }],
    specs: [WORKFLOW_SPEC],
  },
  {
    name: 'payment-requested-after-its-answer',
    mechanism: 'undo registered before dispatch: the payment is on record before the gateway hears of it',
    breaks: ['I7'],
    edits: [
      {
        file: 'libs/domain/fulfilment/fulfilment.consequences.ts',
        search: "if (event.data.step !== 'authorize') return [];",
        replace: "if (event.data.step !== 'capture') return [];",
      },
    ],
    specs: ['apps/orchestrator/fulfilment-engine.spec.ts'],
    tests: 'confirms an order that is in stock',
  },
  {
    name: 'charged-again-without-asking',
    mechanism: 'ask before charging again',
    breaks: ['I7'],
    edits: [{ file: STATE, search: '{ ...state, unknown: true, attempt:', replace: '{ ...state, unknown: false, attempt:' }],
    specs: [WORKFLOW_SPEC],
    sampled: true,
  },
  {
    name: 'cancelled-while-the-gateway-works',
    mechanism: 'a step at the gateway is waited for before it is taken back',
    breaks: ['I7'],
    edits: [
      {
        file: WORKFLOW,
        search: "dispatched(state, 'refund')] : [requested];",
        replace: "dispatched(state, 'refund')] : [requested, ended(state, 'cancelled')];",
      },
    ],
    specs: [WORKFLOW_SPEC],
  },
  {
    name: 'closed-on-an-empty-look-up',
    mechanism: 'void by reference',
    breaks: ['I7'],
    edits: [
      {
        file: WORKFLOW,
        search: "dispatched(state, 'authorize', state.attempt) : dispatched(state, 'void')];",
        replace: "dispatched(state, 'authorize', state.attempt) : ended(state, state.goal === 'cancel' ? 'cancelled' : 'rejected')];",
      },
    ],
    specs: [WORKFLOW_SPEC],
  },
  {
    name: 'captured-money-kept',
    mechanism: 'compensation: refund',
    breaks: ['I7'],
    edits: [{ file: WORKFLOW, search: "if (state.money === 'captured') return dispatched(state, 'refund');", replace: '' }],
    specs: [WORKFLOW_SPEC],
  },
  {
    name: 'reservation-kept',
    mechanism: 'compensation: release',
    breaks: ['I9'],
    edits: [{ file: WORKFLOW, search: "if (state.goods === 'reserved') return completed(state, 'release');", replace: '' }],
    specs: [WORKFLOW_SPEC],
  },
  {
    name: 'ended-saga-listens',
    mechanism: 'terminal guard first',
    breaks: ['I7'],
    edits: [{ file: WORKFLOW, search: "if (state.status === 'rejected' || state.status === 'cancelled') return [];", replace: '' }],
    specs: [WORKFLOW_SPEC],
  },
  {
    name: 'late-answer-believed',
    mechanism: 'a late answer of another step changes nothing',
    breaks: ['I7'],
    edits: [
      {
        file: WORKFLOW,
        search: "state.status === 'paying' && state.operation === operation;",
        replace: "state.status === 'paying' && operation !== undefined;",
      },
    ],
    specs: [WORKFLOW_SPEC],
  },
  {
    name: 'asked-for-ever',
    mechanism: 'a saga that cannot go on parks',
    breaks: ['I9'],
    edits: [{ file: WORKFLOW, search: 'state.attempt < MAX_ATTEMPTS ?', replace: 'state.attempt < MAX_ATTEMPTS * 1_000 ?' }],
    specs: [WORKFLOW_SPEC],
  },
  {
    name: 'compensable-step-after-the-pivot',
    mechanism: 'a saga that could get stuck half way does not start',
    breaks: ['I9'],
    edits: [
      {
        file: 'libs/domain/fulfilment/saga-definition.ts',
        search: 'if (late !== undefined) {',
        replace: 'if (late !== undefined && steps.length === 0) {',
      },
    ],
    specs: ['libs/domain/fulfilment/saga-definition.spec.ts'],
  },
  {
    name: 'reserved-stock-sold-again',
    mechanism: 'stock promises only what is available',
    breaks: ['I8'],
    edits: [
      {
        file: 'libs/domain/stock/stock.decider.ts',
        search: 'const available = availableStock(state);',
        replace: 'const available = state.onHand;',
      },
    ],
    specs: ['libs/domain/stock/stock.decider.spec.ts', 'libs/domain/stock/stock.properties.spec.ts'],
  },
  {
    name: 'refunded-twice',
    mechanism: 'a payment records each fact once',
    breaks: ['I7'],
    edits: [
      {
        file: 'libs/domain/payment/payment.decider.ts',
        search: "return payment.status === 'captured' ? [{ type: 'PaymentRefunded'",
        replace: "return payment.status !== undefined ? [{ type: 'PaymentRefunded'",
      },
    ],
    specs: ['libs/domain/payment/payment.properties.spec.ts'],
  },
];
