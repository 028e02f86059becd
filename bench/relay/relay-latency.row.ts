import { interleaved } from '../harness/rounds.js';
import { atMost, type BenchRow } from '../harness/row.js';
import type { LatencyLoad } from './latency-meter.js';
import { ensureTopics, verifyPublished, WHAT_IS_REMEMBERED, type Place } from './published.js';

const FULL: LatencyLoad = { perSecond: 1_000, ms: 8_000 };
const QUICK: LatencyLoad = { perSecond: 1_000, ms: 2_000 };

/** How long after its commit an event can be read from Kafka. */
export const relayLatencyRow: BenchRow = {
  name: 'relay-latency',
  measures: 'Commit → record readable from Kafka',
  quick: false,
  run: async (context) => {
    const broker = await context.kafka();
    const place = async (topicPrefix: string, databaseUrl: string): Promise<Place> => {
      await ensureTopics({ broker, topicPrefix });
      return { databaseUrl, broker, topicPrefix };
    };
    const ours = await place('latency-tidemark', await context.database());
    const theirs = await place('latency-debezium', await context.database({ migrated: false, logical: true }));
    const tidemark = await context.contender('Tidemark', 'relay/tidemark-latency.contender', ours);
    const debezium = await context.peer('Debezium engine 3.6', 'debezium-latency', theirs);
    const load = context.quick ? QUICK : FULL;
    context.say(`  ${load.perSecond.toLocaleString('en-US')} events/s …`);
    const results = await interleaved([tidemark, debezium], context.pace.rounds, load);
    await tidemark.close();
    await verifyPublished(ours);
    const [{ latency: own }, { latency: other }] = [results[0]!, results[1]!];
    return [
      {
        what: `${load.perSecond.toLocaleString('en-US')} events/s, each a stream of its own`,
        unit: 'events',
        results,
        goals: [atMost(own!.p99, 50, 'ms p99'), atMost(own!.p99, other!.p99, 'ms p99, that of Debezium')],
        notes: [
          WHAT_IS_REMEMBERED,
          'From the acknowledgement of the commit to the record in a kafkajs consumer in the same process. The relay is the app itself, woken as command-api wakes it.',
          'Debezium: poll.interval.ms 5 (its default of 500 is added to nearly every event), one batch acknowledged before the next.',
        ],
      },
    ];
  },
};
