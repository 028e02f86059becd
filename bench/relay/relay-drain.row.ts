import { interleaved } from '../harness/rounds.js';
import { timesAsFast, type BenchRow } from '../harness/row.js';
import { fillOutbox } from './backlog.js';
import type { DrainLoad, DrainSettings } from './drain-load.js';
import { ensureTopics, verifyPublished, WHAT_IS_REMEMBERED } from './published.js';

const TIDEMARK = 'Tidemark';
const DEBEZIUM = 'Debezium engine 3.6';
const CEILING = 'raw kafkajs produce';

/** One round of each to warm up, four that count: together the backlog. */
const FULL = { backlog: 500_000, rounds: 4 };
const QUICK = { backlog: 30_000, rounds: 1 };

/** How fast a backlog of the outbox reaches Kafka. */
export const relayDrainRow: BenchRow = {
  name: 'relay-drain',
  measures: 'Outbox → Kafka: draining a backlog of 500,000 events',
  quick: true,
  run: async (context) => {
    const { backlog, rounds } = context.quick ? QUICK : FULL;
    const broker = await context.kafka();
    const settings = async (topicPrefix: string, database: Promise<string>): Promise<DrainSettings> => {
      await ensureTopics({ broker, topicPrefix });
      return { databaseUrl: await database, broker, topicPrefix, backlog, turns: rounds + 1 };
    };
    const ours = await settings('tidemark', context.database());
    const ceiling = await settings('raw', Promise.resolve(ours.databaseUrl));
    const theirs = await settings('debezium', context.database({ migrated: false, logical: true }));
    context.say(`  ${backlog.toLocaleString('en-US')} events …`);
    await fillOutbox(ours.databaseUrl, backlog);
    const tidemark = await context.contender(TIDEMARK, 'relay/tidemark-drain.contender', ours);
    const contenders = [
      tidemark,
      await context.contender(CEILING, 'relay/kafkajs-drain.contender', ceiling),
      await context.peer(DEBEZIUM, 'debezium-drain', theirs),
    ];
    await context.settle(ours.databaseUrl);
    await context.settle(theirs.databaseUrl);
    const load: DrainLoad = { events: backlog / (rounds + 1) };
    const results = await interleaved(contenders, rounds, load);
    await tidemark.close();
    await verifyPublished(ours);
    return [
      {
        what: `${load.events.toLocaleString('en-US')} events a turn`,
        unit: 'events',
        results,
        goals: [timesAsFast(results, DEBEZIUM, 1), timesAsFast(results, CEILING, 0.6)],
        notes: [
          WHAT_IS_REMEMBERED,
          'Debezium: outbox event router, pgoutput, poll.interval.ms 10, max.batch.size 8192; its outbox rows carry the payload, are read from the write-ahead log and are never removed; its PostgreSQL has wal_level=logical.',
          'The ceiling: kafkajs as it comes, with the messages already in memory, 5,000 a request. Tidemark writes produce requests itself (ADR 12).',
        ],
      },
    ];
  },
};
