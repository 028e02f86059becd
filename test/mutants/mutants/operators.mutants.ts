import type { Mutant } from '../mutant.js';

const OUTBOX = 'libs/outbox/outbox-dead-letters.ts';
const OUTBOX_SPEC = 'libs/outbox/outbox-dead-letters.spec.ts';
const CONSUMER = 'libs/messaging/operators/consumer-operator.ts';
const CONSUMER_SPEC = 'libs/messaging/operators/consumer-dead-letters.spec.ts';
const FULFILMENT = 'apps/orchestrator/fulfilment-operator.ts';
const FULFILMENT_SPEC = 'apps/orchestrator/fulfilment-operator.spec.ts';

/** What operators do is carried out and recorded together, once, and never more of it than there is room for. */
export const OPERATOR_MUTANTS: readonly Mutant[] = [
  {
    name: 'outbox-act-recorded-elsewhere',
    mechanism: 'act of an operator in the transaction of its effect: outbox',
    breaks: ['I10'],
    edits: [{ file: OUTBOX, search: "outcome: 'done' }], client);", replace: "outcome: 'done' }], this.#pool);" }],
    specs: [OUTBOX_SPEC],
    tests: 'is one transaction with its record',
  },
  {
    name: 'outbox-acts-recorded-elsewhere',
    mechanism: 'act of an operator in the transaction of its effect: outbox, by filter',
    breaks: ['I10'],
    edits: [
      { file: OUTBOX, search: 'this.#acts.begin(act, client)', replace: 'this.#acts.begin(act)' },
      { file: OUTBOX, search: 'this.#acts.add(actId, effects, client)', replace: 'this.#acts.add(actId, effects)' },
    ],
    specs: [OUTBOX_SPEC],
    tests: 'is one transaction with its record',
  },
  {
    name: 'release-recorded-elsewhere',
    mechanism: 'act of an operator in the transaction of its effect: release of a stream',
    breaks: ['I10'],
    edits: [{ file: CONSUMER, search: '[released(streamId, delivered)], client)', replace: '[released(streamId, delivered)], undefined)' }],
    specs: [CONSUMER_SPEC],
    tests: 'the record of an act',
  },
  {
    name: 'releases-recorded-elsewhere',
    mechanism: 'act of an operator in the transaction of its effect: release by filter',
    breaks: ['I10'],
    edits: [{ file: CONSUMER, search: 'await this.acts.add(actId, [effect], client);', replace: 'await this.acts.add(actId, [effect]);' }],
    specs: [CONSUMER_SPEC],
    tests: 'the record of an act',
  },
  {
    name: 'lone-release-recorded-elsewhere',
    mechanism: 'act of an operator in the transaction of its effect: release of a letter without a stream',
    breaks: ['I10'],
    edits: [{ file: CONSUMER, search: '[released(subject, 1)], client)', replace: '[released(subject, 1)], undefined)' }],
    specs: [CONSUMER_SPEC],
    tests: 'the record of an act',
  },
  {
    name: 'discard-recorded-elsewhere',
    mechanism: 'act of an operator in the transaction of its effect: discard',
    breaks: ['I10'],
    edits: [{ file: CONSUMER, search: '[discarded(record)], client)', replace: '[discarded(record)], undefined)' }],
    specs: [CONSUMER_SPEC],
    tests: 'the record of an act',
  },
  {
    name: 'discards-recorded-elsewhere',
    mechanism: 'act of an operator in the transaction of its effect: discard by filter',
    breaks: ['I10'],
    edits: [{ file: CONSUMER, search: 'this.acts.add(actId, effects, client)', replace: 'this.acts.add(actId, effects)' }],
    specs: [CONSUMER_SPEC],
    tests: 'the record of an act',
  },
  {
    name: 'decision-recorded-elsewhere',
    mechanism: 'act of an operator in the transaction of its effect: fulfilment, evidence included',
    breaks: ['I2'],
    edits: [{ file: FULFILMENT, search: "outcome: 'done' }], client)", replace: "outcome: 'done' }], undefined)" }],
    specs: [FULFILMENT_SPEC],
    tests: 'the record of an act',
  },
  {
    name: 'decisions-recorded-elsewhere',
    mechanism: 'act of an operator in the transaction of its effect: fulfilments by filter',
    breaks: ['I2'],
    edits: [{ file: FULFILMENT, search: 'acts.addDone(actId, subject, client)', replace: 'acts.add(actId, [done])' }],
    specs: [FULFILMENT_SPEC],
    tests: 'the record of an act',
  },
  {
    name: 'unheard-decision-told-as-refused',
    mechanism: 'a decision whose commit went through unheard is told as done',
    breaks: ['I2'],
    edits: [{ file: FULFILMENT, search: 'if (done !== undefined) return done;', replace: '' }],
    specs: [FULFILMENT_SPEC],
    tests: 'went through unheard',
  },
  {
    name: 'unheard-decisions-told-as-refused',
    mechanism: 'a decision whose commit went through unheard is told as done: by filter',
    breaks: ['I2'],
    edits: [{ file: FULFILMENT, search: 'if (await acts.isDone(actId, subject)) return done;', replace: '' }],
    specs: [FULFILMENT_SPEC],
    tests: 'went through unheard',
  },
  {
    name: 'unheard-decision-done-again',
    mechanism: 'an act does each thing once',
    breaks: ['I2'],
    edits: [
      { file: 'libs/platform/operators/operator-acts.ts', search: 'if (rowCount === 0) throw', replace: 'if (rowCount === -1) throw' },
    ],
    specs: [FULFILMENT_SPEC],
    tests: 'went through unheard',
  },
  {
    name: 'decisions-without-bound',
    mechanism: 'bounded decisions of operators',
    breaks: ['I11'],
    edits: [{ file: FULFILMENT, search: 'if (admission.take(1) < 1) throw noRoom();', replace: 'admission.take(1);' }],
    specs: [FULFILMENT_SPEC],
    tests: 'decisions that come at once',
  },
];
