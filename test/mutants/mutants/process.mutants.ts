import type { Mutant } from '../mutant.js';

const ADMISSION = 'libs/platform/request-admission.ts';
const WIRE_SPEC = 'libs/platform/wire-manners.spec.ts';

/** What every process holds at once, and how it ends. */
export const PROCESS_MUTANTS: readonly Mutant[] = [
  {
    name: 'requests-without-bound',
    mechanism: 'bounded requests of a process',
    breaks: ['I11'],
    edits: [{ file: ADMISSION, search: 'if (requests >= limits.requests ||', replace: 'if (' }],
    specs: [WIRE_SPEC],
    tests: 'admission',
  },
  {
    name: 'bodies-without-bound',
    mechanism: 'bounded bodies of a process',
    breaks: ['I11'],
    edits: [{ file: ADMISSION, search: '|| bytes + announced > limits.bodyBytes', replace: '' }],
    specs: [WIRE_SPEC],
    tests: 'admission',
  },
  {
    name: 'places-never-given-back',
    mechanism: 'bounded requests of a process: a place is free again once its answer, or its client, is gone',
    breaks: ['I12'],
    edits: [{ file: ADMISSION, search: "reply.raw.once('close',", replace: "reply.raw.once('nothing'," }],
    specs: [WIRE_SPEC],
    tests: 'admission',
  },
  {
    name: 'health-takes-any-body',
    mechanism: 'bounded bodies of a process: only questions are always answered',
    breaks: ['I11'],
    edits: [{ file: ADMISSION, search: 'ASKING.includes(request.method) && always(', replace: 'always(' }],
    specs: [WIRE_SPEC],
    tests: 'what is always answered',
  },
  {
    name: 'ended-without-a-drain',
    mechanism: 'drain before the end',
    breaks: ['I12'],
    edits: [{ file: 'libs/platform/start-app.ts', search: 'sleep(options.drainMs ?? 0)', replace: 'sleep(0)' }],
    specs: [WIRE_SPEC],
    tests: 'serves on while it drains',
  },
  {
    name: 'token-waiters-without-bound',
    mechanism: 'bounded waiters for consistency tokens',
    breaks: ['I11'],
    edits: [
      {
        file: 'apps/query-api/reading/projection-waiter.ts',
        search: 'this.ended || this.waiting.size >= (this.options.maxWaiting ?? 1_000)',
        replace: 'this.ended',
      },
    ],
    specs: ['apps/query-api/reading/projection-waiter.spec.ts'],
  },
  {
    name: 'live-answers-without-bound',
    mechanism: 'bounded live answers',
    breaks: ['I11'],
    edits: [
      {
        file: 'apps/query-api/orders/live-order.query.ts',
        search: 'if (this.waiter.full) throw',
        replace: 'if (this.waiter.size < 0) throw',
      },
    ],
    specs: ['apps/query-api/orders/live-order.query.spec.ts'],
  },
  {
    name: 'dead-database-connections-kept',
    mechanism: 'a database connection that no longer answers is given up',
    breaks: ['I12'],
    edits: [
      {
        file: 'libs/platform/pool.ts',
        search: 'connection.stream.destroy(error);',
        replace: '(this as unknown as { _errorAllQueries(error: Error): void })._errorAllQueries(error);',
      },
    ],
    specs: ['libs/platform/pool.spec.ts'],
    tests: 'fail the rest of a transaction at once',
  },
];
