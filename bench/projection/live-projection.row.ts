import { PassThrough } from 'node:stream';
import { PROJECTION_NAMES } from '#read-models';
import { runRebuild } from '../../apps/projector/rebuild-command.js';
import { interleaved } from '../harness/rounds.js';
import { atLeast, type BenchRow } from '../harness/row.js';
import { fillStore } from './fill-store.js';
import { fillTopics } from './fill-topics.js';
import type { LiveSettings } from './live-load.js';

const TOPIC_PREFIX = 'bench';

/** A projector that comes back to a backlog: from Kafka into every table, until nothing is left. */
export const liveProjectionRow: BenchRow = {
  name: 'live-projection',
  measures: 'Live projection from Kafka',
  quick: false,
  run: async (context) => {
    const orders = context.quick ? 400 : 3_000;
    const [kafka, databaseUrl] = await Promise.all([context.kafka(), context.database()]);
    const events = await fillTopics(kafka, TOPIC_PREFIX, orders);
    const settings: LiveSettings = { kafka, topicPrefix: TOPIC_PREFIX, databaseUrl, events };
    const results = await interleaved(
      [
        await context.contender('Tidemark', 'projection/live.contender', settings),
        await context.contender('kafkajs, decoding alone', 'projection/each-batch.contender', settings),
      ],
      context.pace.rounds,
      {},
      () => context.settle(databaseUrl),
    );
    await verify(databaseUrl, orders);
    return [
      {
        what: `a backlog of ${events.toLocaleString('en')} events on 36 partitions into all ${PROJECTION_NAMES.length} projections`,
        unit: 'events',
        results,
        goals: [atLeast(results[0]!.perSecond.median, 20_000, 'events/s')],
        notes: [
          'an event counts once, however many projections take it',
          'each table equals its rebuild from a store with the same events',
        ],
      },
    ];
  },
};

/** What the last round left must be what a rebuild makes of the same events. */
async function verify(databaseUrl: string, orders: number): Promise<void> {
  await fillStore(databaseUrl, orders);
  const out = new PassThrough();
  const told: Buffer[] = [];
  out.on('data', (chunk: Buffer) => told.push(chunk));
  const equal = await runRebuild(PROJECTION_NAMES, { databaseUrl, accept: false, out, err: process.stderr });
  if (!equal) throw new Error(`what the benchmark projected differs from its rebuild:\n${Buffer.concat(told).toString()}`);
}
