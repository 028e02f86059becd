import type { Mutant } from '../mutant.js';

const RUNNER = 'apps/orchestrator/fulfilment-runner.ts';
const BATCH = 'apps/orchestrator/decision-batch.ts';
const BATCH_SPEC = 'apps/orchestrator/decision-batch.spec.ts';
const ENGINE_SPEC = 'apps/orchestrator/fulfilment-engine.spec.ts';
const FAULTS_SPEC = 'apps/orchestrator/fulfilment-faults.spec.ts';
const WAITS_SPEC = 'apps/orchestrator/waiting-actions.spec.ts';
const OVERDUE = 'apps/orchestrator/overdue-work.ts';
const WORK = 'apps/orchestrator/fulfilment-work.ts';
const BACKOFF = 'apps/orchestrator/gateway-backoff.ts';
const CLIENT = 'apps/orchestrator/gateway-client.ts';
const HTTP = 'apps/orchestrator/gateway-http.ts';
const CIRCUIT = 'apps/orchestrator/gateway-circuit.ts';
const CLIENT_SPEC = 'apps/orchestrator/gateway-client.spec.ts';

/** How decisions are carried out, whatever dies in between. */
export const ORCHESTRATOR_MUTANTS: readonly Mutant[] = [
  {
    name: 'some-lines-reserved',
    mechanism: 'all lines of an order reserved or none',
    breaks: ['I8'],
    edits: [{ file: BATCH, search: 'refusals.length > 0 ? refusals : answers', replace: 'refusals.length < 0 ? refusals : answers' }],
    specs: [BATCH_SPEC],
    sampled: true,
  },
  {
    name: 'half-decided-order-kept',
    mechanism: 'an input that breaks a rule leaves no trace',
    breaks: ['I8'],
    edits: [
      {
        file: BATCH,
        search: 'this.changed.set(id, { version: version + events.length, state });',
        replace: 'this.changed.set(id, { version: version + events.length, state });\n    this.keep();',
      },
    ],
    specs: [BATCH_SPEC],
  },
  {
    name: 'cancellation-under-way-not-heard',
    mechanism: 'a cancelled order is heeded before its message comes',
    breaks: ['I7'],
    edits: [
      {
        file: BATCH,
        search: "if (order.status === 'cancelled' &&",
        replace: "if (order.status === 'cancelled' && this.writes.size < 0 &&",
      },
    ],
    specs: [BATCH_SPEC],
  },
  {
    name: 'timer-left-out',
    mechanism: 'timer in the transaction that decided its action',
    breaks: ['I9'],
    edits: [{ file: RUNNER, search: 'await this.schedule(client, decided);', replace: '' }],
    specs: [ENGINE_SPEC],
    tests: 'is taken over by another process',
  },
  {
    name: 'timer-after-the-commit',
    mechanism: 'timer in the transaction that decided its action',
    breaks: ['I9'],
    edits: [
      { file: RUNNER, search: 'await this.schedule(client, decided);', replace: '' },
      {
        file: RUNNER,
        search: 'rememberStates(this.options.loaders, states);',
        replace: 'await this.schedule(client, decided);\n      rememberStates(this.options.loaders, states);',
      },
    ],
    specs: [FAULTS_SPEC],
    tests: 'a decision',
  },
  {
    name: 'charged-before-the-commit',
    mechanism: 'nothing leaves before its decision is committed',
    breaks: ['I7'],
    edits: [
      { file: RUNNER, search: 'this.finish(decided, failed, performance.now() - startedAt);', replace: '' },
      {
        file: RUNNER,
        search: "await client.query('COMMIT');",
        replace: "this.finish(decided, failed, performance.now() - startedAt);\n      await client.query('COMMIT');",
      },
    ],
    specs: [FAULTS_SPEC],
    tests: 'a decision',
  },
  {
    name: 'overdue-step-sent-again',
    mechanism: 'ask before charging again: a step without a recorded outcome is unknown',
    breaks: ['I7'],
    edits: [
      {
        file: OVERDUE,
        search: "if (action.kind === 'look-up' || (action.kind === 'send' && waits)) {",
        replace: "if (action.kind !== 'none' && action.kind !== 'reserve') {",
      },
    ],
    specs: [ENGINE_SPEC],
    tests: 'is taken over by another process',
  },
  {
    name: 'step-sent-twice-after-a-cancellation',
    mechanism: 'a step that is at the gateway does not leave twice',
    breaks: ['I7'],
    edits: [{ file: RUNNER, search: 'if (isSameStep(awaitedBefore, action) || waitsInItsRow', replace: 'if (waitsInItsRow' }],
    specs: [FAULTS_SPEC],
    tests: 'does not send the step a second time',
  },
  {
    name: 'wait-lost-with-the-process',
    mechanism: 'a wait before a call to the gateway outlives processes',
    breaks: ['I9'],
    edits: [{ file: BACKOFF, search: 'LONGEST_WAIT_IN_MEMORY_MS = 1_000', replace: 'LONGEST_WAIT_IN_MEMORY_MS = 60_000' }],
    specs: [WAITS_SPEC],
    tests: 'leaves in time though no process lives that long',
  },
  {
    name: 'wait-spends-an-attempt',
    mechanism: 'what waited has not left: it is sent, not asked after',
    breaks: ['I9'],
    edits: [{ file: OVERDUE, search: "(action.kind === 'send' && waits)", replace: 'false' }],
    specs: [WAITS_SPEC],
    tests: 'is sent, not asked after',
  },
  {
    name: 'wait-begun-anew-by-a-cancellation',
    mechanism: 'a wait before a call to the gateway is begun once',
    breaks: ['I9'],
    edits: [{ file: RUNNER, search: '} else if (!isSameStep(awaitedBefore, decision.action)) {', replace: '} else {' }],
    specs: [WAITS_SPEC],
    tests: 'neither leaves twice nor waits anew',
  },
  {
    name: 'wait-put-off-by-a-renewal',
    mechanism: 'a wait before a call to the gateway keeps its time',
    breaks: ['I9'],
    edits: [
      {
        file: WORK,
        search: 'AND w.causation_id = t.causation_id AND w.due_at IS NOT NULL AND NOT w.waits`',
        replace: 'AND w.due_at IS NOT NULL`',
      },
    ],
    specs: [WAITS_SPEC],
    tests: 'keeps its time when the process',
  },
  {
    name: 'wait-swallowed-by-a-stale-step',
    mechanism: 'only the very action that is under way here is left to itself',
    breaks: ['I9'],
    edits: [
      {
        file: 'apps/orchestrator/gateway-dispatcher.ts',
        search: 'return this.underWay.get(orderId)?.causationId === causationId;',
        replace: "return this.underWay.has(orderId) || causationId === '';",
      },
    ],
    specs: [WAITS_SPEC],
    tests: 'leaves though the process that takes it',
  },
  {
    name: 'unreadable-saga-holds-up-others',
    mechanism: 'one saga that cannot be read holds up no other',
    breaks: ['I9'],
    edits: [
      {
        file: OVERDUE,
        search: '    } catch (error) {\n      if (isDatabaseError(error)) throw error;\n    }\n',
        replace: '    } catch (error) {\n      throw error;\n    }\n',
      },
    ],
    specs: [WAITS_SPEC],
    tests: 'leaves though the saga beside it cannot be read',
  },
  {
    name: 'step-of-another-process-sent',
    mechanism: 'only the action that waited is sent, not what another process has under way by now',
    breaks: ['I7'],
    edits: [
      {
        file: OVERDUE,
        search: 'if (owed !== null && owed !== owedName(action, causationId)) return;',
        replace: 'if (owedName(action, causationId) === owed && owed === null) return;',
      },
    ],
    specs: [WAITS_SPEC],
    tests: 'is left alone when it is no longer',
  },
  {
    name: 'wait-taken-for-a-clock-gone-back',
    mechanism: 'the longest wait is shorter than what a clock gone back leaves',
    breaks: ['I9'],
    edits: [
      {
        file: WORK,
        search: 'NO_LEASE * Math.max(leaseMs, LONGEST_BACKOFF_MS)',
        replace: 'NO_LEASE * Math.min(leaseMs, LONGEST_BACKOFF_MS)',
      },
    ],
    specs: ['test/edges/clocks.spec.ts'],
    tests: 'leaves the longest wait alone',
  },
  {
    name: 'foresight-not-compared',
    mechanism: 'a batch decided ahead is taken only when its streams stand where it expected them',
    breaks: ['I7'],
    edits: [{ file: RUNNER, search: '!isAsForeseen(foreseen, versions)', replace: 'versions.size < 0' }],
    specs: ['apps/orchestrator/foresight.spec.ts'],
    tests: 'is decided again when its order was cancelled',
  },
  {
    name: 'foresight-kept-after-a-rollback',
    mechanism: 'a batch decided ahead is taken only when all before it was committed',
    breaks: ['I8'],
    edits: [
      { file: RUNNER, search: '        await this.forgoForesight();\n        if (!isTransient', replace: '        if (!isTransient' },
    ],
    specs: ['apps/orchestrator/foresight.spec.ts'],
    tests: 'is decided again when the one before it was not committed',
  },
  {
    name: 'streams-decided-on-without-a-lock',
    mechanism: 'streams are locked before they are decided on',
    breaks: ['I12'],
    edits: [
      {
        file: RUNNER,
        search: 'await this.options.store.lockStreams(client, locked);',
        replace: 'await this.options.store.versionsOf(client, locked);',
      },
    ],
    specs: [FAULTS_SPEC],
    tests: 'waits a bounded time for a lock',
  },
  {
    name: 'locks-kept-by-a-stopped-process',
    mechanism: 'a transaction that stands still loses its locks',
    breaks: ['I12'],
    edits: [{ file: 'apps/orchestrator/transaction.ts', search: 'const STANDSTILL_MS = 5_000;', replace: 'const STANDSTILL_MS = 0;' }],
    specs: [FAULTS_SPEC],
    tests: 'stands still in its transaction',
  },
  {
    name: 'bad-input-fails-its-neighbours',
    mechanism: 'an input the database refuses fails alone',
    breaks: ['I12'],
    edits: [{ file: RUNNER, search: 'if (batch.length > 1) {', replace: 'if (batch.length > 1_000) {' }],
    specs: [FAULTS_SPEC],
    tests: 'fails alone',
  },
  {
    name: 'operators-command-without-its-key',
    mechanism: 'idempotency key in the transaction of its events: operators',
    breaks: ['I2'],
    edits: [{ file: RUNNER, search: 'request: { writes, metadata, command }', replace: 'request: { writes, metadata }' }],
    specs: ['apps/orchestrator/parked-fulfilments.spec.ts'],
  },
  {
    name: 'new-key-for-each-try',
    mechanism: 'one idempotency key for an operation at the gateway, for ever',
    breaks: ['I7'],
    edits: [
      {
        file: CLIENT,
        search: "'idempotency-key': `${reference}:${operation}`",
        replace: "'idempotency-key': `${reference}:${operation}:${performance.now()}`",
      },
    ],
    specs: [CLIENT_SPEC],
  },
  {
    name: 'time-out-taken-for-not-sent',
    mechanism: 'a charge has three outcomes',
    breaks: ['I7'],
    edits: [{ file: CLIENT, search: "neverLeft ? 'not-sent' : 'unknown'", replace: "neverLeft || code !== '' ? 'not-sent' : 'unknown'" }],
    specs: [CLIENT_SPEC],
  },
  {
    name: 'trouble-taken-for-a-decline',
    mechanism: 'a charge has three outcomes: trouble at the gateway is not a decline',
    breaks: ['I7'],
    edits: [
      {
        file: CLIENT,
        search: 'const isTrouble = (status: number): boolean => status >= 500 ||',
        replace: 'const isTrouble = (status: number): boolean => status >= 600 ||',
      },
    ],
    specs: [CLIENT_SPEC],
  },
  {
    name: 'circuit-never-opens',
    mechanism: 'circuit breaker before the gateway',
    breaks: ['I12'],
    edits: [{ file: CIRCUIT, search: 'new ConsecutiveBreaker(FAILURES)', replace: 'new ConsecutiveBreaker(1e9)' }],
    specs: [CLIENT_SPEC],
  },
  {
    name: 'input-of-the-last-moment-left-waiting',
    mechanism: 'nobody waits in a queue that nobody empties',
    breaks: ['I12'],
    edits: [
      {
        file: RUNNER,
        search: '    this.loop = undefined;',
        replace: '    void Promise.resolve().then(() => (this.loop = undefined));',
      },
    ],
    specs: [FAULTS_SPEC],
    tests: 'in which the last batch ends',
  },
  {
    name: 'answer-of-the-gateway-without-bound',
    mechanism: 'bounded answers of the gateway',
    breaks: ['I11'],
    edits: [{ file: HTTP, search: '      maxResponseSize: MAX_ANSWER,\n', replace: '' }],
    specs: [CLIENT_SPEC],
  },
  {
    name: 'actions-without-bound',
    mechanism: 'admission: a gateway that is away fills no memory',
    breaks: ['I11'],
    edits: [
      {
        file: 'apps/orchestrator/admission.ts',
        search: 'while (!this.closed && this.roomForOrders <= 0) {',
        replace: 'while (!this.closed && this.roomForOrders < -1e9) {',
      },
    ],
    specs: [FAULTS_SPEC],
    tests: 'a gateway that answers nobody',
  },
];
