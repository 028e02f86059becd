import type { Mutant } from '../mutant.js';

const LANE = 'apps/command-api/commands/stream-lane.ts';
const LANE_SPEC = 'apps/command-api/commands/stream-lane.spec.ts';

/** What clients are told. */
export const API_MUTANTS: readonly Mutant[] = [
  {
    name: 'if-match-ignored',
    mechanism: 'If-Match',
    breaks: ['I2'],
    edits: [
      {
        file: LANE,
        search: 'if (ifMatch !== undefined && !matches(ifMatch, head.version)) {',
        replace: 'if (ifMatch !== undefined && !matches(ifMatch, head.version) && head.version < 0) {',
      },
    ],
    specs: [LANE_SPEC, 'apps/command-api/orders/orders.spec.ts'],
  },
  {
    name: 'refused-on-what-was-remembered',
    mechanism: 'a refusal is decided on a state proven after the command came',
    breaks: ['I12'],
    edits: [{ file: LANE, search: "if (events.length === 0 && !proven) return 'stale';", replace: '' }],
    specs: [LANE_SPEC],
  },
  {
    name: 'lost-race-told-as-done',
    mechanism: 'a conflict is decided again on the new state',
    breaks: ['I1'],
    edits: [
      {
        file: LANE,
        search: "      case 'conflict':\n        return 'conflict';",
        replace: "      case 'conflict':\n        job.resolve({ answer, replayed: false });\n        return { head: undefined };",
      },
    ],
    specs: [LANE_SPEC],
    sampled: true,
  },
  {
    name: 'fingerprint-without-the-body',
    mechanism: 'fingerprint of the idempotency key: over the body',
    breaks: ['I1'],
    edits: [
      {
        file: 'apps/command-api/commands/fingerprint.ts',
        search: "\\n${JSON.stringify(canonical(body)) ?? ''}",
        replace: '\\n${typeof canonical(body)}',
      },
    ],
    specs: ['apps/command-api/commands/envelope.spec.ts', 'apps/command-api/commands/idempotency.spec.ts'],
  },
  {
    name: 'refusal-not-kept',
    mechanism: 'a refusal is an answer too: kept under its key',
    breaks: ['I2'],
    edits: [
      {
        file: LANE,
        search: 'const verdict = await append(this.request(job, answer, head.version, events));',
        replace:
          "const verdict: AppendVerdict = refusal === undefined ? await append(this.request(job, answer, head.version, events)) : { outcome: 'appended' };",
      },
    ],
    specs: [LANE_SPEC, 'apps/command-api/commands/idempotency.spec.ts'],
  },
  {
    name: 'lane-without-bound',
    mechanism: 'bounded queue of a stream',
    breaks: ['I11'],
    edits: [{ file: LANE, search: 'if (this.waiting.length >= this.options.maxWaiting)', replace: 'if (this.waiting.length < 0)' }],
    specs: [LANE_SPEC],
  },
  {
    name: 'commands-without-bound',
    mechanism: 'bounded commands of the process',
    breaks: ['I11'],
    edits: [
      {
        file: 'apps/command-api/commands/aggregate-commands.ts',
        search: 'if (running.size >= maxRunning) throw tooManyWaiting();',
        replace: '',
      },
    ],
    specs: ['apps/command-api/operation.spec.ts'],
    tests: 'overload',
  },
  {
    name: 'stream-kept-by-a-stopped-process',
    mechanism: 'a transaction that stands still loses its lock: command-api',
    breaks: ['I12'],
    edits: [
      { file: 'apps/command-api/commands/stream-lock.ts', search: 'const STANDSTILL_MS = 5_000;', replace: 'const STANDSTILL_MS = 0;' },
    ],
    specs: ['apps/command-api/commands/stream-lock.spec.ts'],
  },
  {
    name: 'answers-cut-off-at-the-end',
    mechanism: 'shutdown answers what was taken',
    breaks: ['I12'],
    edits: [{ file: 'libs/platform/shutdown.ts', search: 'await step.run();', replace: 'void step.run();' }],
    specs: ['libs/platform/shutdown.spec.ts'],
  },
];
