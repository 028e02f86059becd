import type { Mutant } from '../mutant.js';

const GROUP_COMMIT = 'libs/event-store/group-commit.ts';
const SPEC = 'libs/event-store/group-commit.spec.ts';
const LOADER = 'libs/event-store/stream-loader.ts';
const LOADER_SPEC = 'libs/event-store/stream-loader.spec.ts';

/** What concurrent appends do to each other, and what decisions are made on. */
export const GROUP_COMMIT_MUTANTS: readonly Mutant[] = [
  {
    name: 'unknown-outcome-sent-again',
    mechanism: 'only a request with a key is sent again after a lost connection',
    breaks: ['I2'],
    edits: [{ file: GROUP_COMMIT, search: 'remaining.filter(({ request }) => request.command !== undefined)', replace: 'remaining' }],
    specs: [SPEC],
    tests: 'a lost connection',
  },
  {
    name: 'held-stream-holds-up-all',
    mechanism: 'held requests step aside in group commit',
    breaks: ['I12'],
    edits: [{ file: GROUP_COMMIT, search: 'if (isLockTimeout(error)) {', replace: 'if (isLockTimeout(error) && batch.length === 0) {' }],
    specs: [SPEC],
    tests: 'a stream that somebody holds',
  },
  {
    name: 'lock-waited-for-without-end',
    mechanism: 'lock timeout of append',
    breaks: ['I12'],
    edits: [{ file: 'migrations/1700000000002-append-function.ts', search: "SET lock_timeout = '1500ms'\n", replace: '' }],
    specs: [SPEC],
    tests: 'a stream that somebody holds',
  },
  {
    name: 'bad-request-fails-its-neighbours',
    mechanism: 'a request the database refuses is isolated',
    breaks: ['I12'],
    edits: [
      {
        file: GROUP_COMMIT,
        search: 'for (const waiting of batch) await this.#commit([waiting]);',
        replace: 'for (const { reject } of batch) reject(error);',
      },
    ],
    specs: [SPEC],
    tests: 'cannot take fails alone',
    sampled: true,
  },
  {
    name: 'queue-without-bound',
    mechanism: 'bounded queue of group commit',
    breaks: ['I11'],
    edits: [{ file: GROUP_COMMIT, search: 'this.queued >= this.#options.maxQueued', replace: 'this.queued < 0' }],
    specs: [SPEC],
    tests: 'sharing',
  },
  {
    name: 'snapshot-of-any-shape-taken',
    mechanism: 'snapshot schema version',
    breaks: ['I8'],
    edits: [{ file: LOADER, search: 'if (schemaVersion !== policy.schemaVersion) continue;', replace: '' }],
    specs: [LOADER_SPEC],
  },
  {
    name: 'snapshot-replaced-by-an-older-one',
    mechanism: 'the newer snapshot stays',
    breaks: ['I8'],
    edits: [
      {
        file: 'libs/event-store/event-store.ts',
        search: 'WHERE (kept.schema_version, kept.version) < (excluded.schema_version, excluded.version)',
        replace: '',
      },
    ],
    specs: [LOADER_SPEC],
  },
  {
    name: 'uncommitted-state-remembered',
    mechanism: 'what a transaction may yet undo is not remembered',
    breaks: ['I8'],
    edits: [{ file: LOADER, search: 'if (client === undefined) this.#keep(', replace: 'this.#keep(' }],
    specs: [LOADER_SPEC],
  },
];
