import type { Mutant } from '../mutant.js';

const BATCH = 'libs/read-models/projection/projection-batch.ts';
const WRITER_SPEC = 'libs/read-models/projection/projection-writer.spec.ts';
const LANE_SPEC = 'apps/projector/projection-lane.spec.ts';
const REBUILD = 'libs/read-models/rebuild/rebuild-beside.ts';
const REBUILD_SPEC = 'libs/read-models/rebuild/rebuild-beside.spec.ts';

/** Events to read models: each once, in order, with its checkpoint. */
export const PROJECTION_MUTANTS: readonly Mutant[] = [
  {
    name: 'duplicates-projected',
    mechanism: 'version guard in projections',
    breaks: ['I6'],
    edits: [
      { file: BATCH, search: '      if (event.version <= last) continue;\n', replace: '' },
      { file: BATCH, search: 'if (event.version !== last + 1) throw', replace: 'if (event.version > last + 1) throw' },
    ],
    specs: [WRITER_SPEC],
    sampled: true,
  },
  {
    name: 'gap-projected',
    mechanism: 'version guard in projections: a hole is refused',
    breaks: ['I6'],
    edits: [{ file: BATCH, search: 'if (event.version !== last + 1) throw', replace: 'if (event.version < 0) throw' }],
    specs: [WRITER_SPEC],
  },
  {
    name: 'checkpoint-after-the-commit',
    mechanism: 'checkpoint in the transaction of its effects',
    breaks: ['I6'],
    edits: [
      {
        file: BATCH,
        search: 'send(this.options.positions.save(client, reached));',
        replace: "send(client.query('COMMIT; BEGIN'));\n    send(this.options.positions.save(client, reached));",
      },
    ],
    specs: [WRITER_SPEC],
  },
  {
    name: 'commit-behind-what-was-never-sent',
    mechanism: 'all effects of a batch or none',
    breaks: ['I6'],
    edits: [{ file: BATCH, search: 'if (failed || failpoints.armed) await', replace: 'if (failpoints.armed) await' }],
    specs: [WRITER_SPEC],
    tests: 'keeps the COMMIT from being sent',
  },
  {
    name: 'checkpoint-not-written',
    mechanism: 'checkpoint in the transaction of its effects',
    breaks: ['I6'],
    edits: [{ file: BATCH, search: 'send(this.options.positions.save(client, reached));', replace: '' }],
    specs: [WRITER_SPEC],
  },
  {
    name: 'batch-told-done-before-the-commit',
    mechanism: 'offset commit after the commit of the effects: projector',
    breaks: ['I6'],
    edits: [
      {
        file: 'apps/projector/projection-lane.ts',
        search: '        await this.commit(batches.flatMap(({ events }) => events));',
        replace:
          '        batches.forEach((batch) => batch.resolve());\n        await this.commit(batches.flatMap(({ events }) => events));',
      },
    ],
    specs: [LANE_SPEC],
  },
  {
    name: 'innocent-partition-told-of-a-gap',
    mechanism: 'only the guilty partition stops',
    breaks: ['I10'],
    edits: [
      {
        file: 'apps/projector/projection-lane.ts',
        search: 'if (batches.length > 1 && isSomeonesFault(error))',
        replace: 'if (batches.length > 1_000)',
      },
    ],
    specs: [LANE_SPEC],
  },
  {
    name: 'two-writers-of-one-projection',
    mechanism: 'one writer of a projection at a time',
    breaks: ['I6'],
    edits: [{ file: 'libs/read-models/projection/locks.ts', search: "${locks.join(' ')}", replace: "${locks.join(' ').slice(0, 0)}" }],
    specs: [REBUILD_SPEC],
    tests: 'while events flow',
  },
  {
    name: 'checkpoints-not-swapped',
    mechanism: 'a rebuild swaps tables and checkpoints together',
    breaks: ['I6'],
    edits: [{ file: REBUILD, search: 'await swapPositions(this.client, this.schema, this.name);', replace: '' }],
    specs: [REBUILD_SPEC],
    tests: 'a swap',
  },
  {
    name: 'difference-not-seen',
    mechanism: 'a rebuild compares row by row before it swaps',
    breaks: ['I6'],
    edits: [{ file: REBUILD, search: 'equal: tables.every(({ differing: rows }) => rows === 0),', replace: 'equal: true,' }],
    specs: [REBUILD_SPEC],
    tests: 'a swap',
  },
  {
    name: 'token-not-waited-for',
    mechanism: 'consistency token: a query waits for its write',
    breaks: ['I6'],
    edits: [
      {
        file: 'apps/query-api/reading/projection-waiter.ts',
        search: 'if (current >= token.version) return undefined;',
        replace: 'if (current >= 0) return undefined;',
      },
    ],
    specs: ['apps/query-api/reading/projection-waiter.spec.ts'],
  },
];
