import type { BenchContext } from '../harness/bench-context.js';
import { interleaved } from '../harness/rounds.js';
import { atMost, timesAsFast, type BenchRow, type Comparison } from '../harness/row.js';
import type { AppendLoad } from './append-load.js';

const IN_FLIGHT = [1, 16, 64, 256];
const EVENTS = [1, 4];
const TIDEMARK = 'Tidemark';
const EMMETT = 'Emmett';
const CEILING = 'raw multi-row INSERT';

/** Durable appends, outbox row included, and how long one takes. */
export const appendRow: BenchRow = {
  name: 'append',
  measures: 'Durable appends: events, outbox rows, idempotency key and its answer',
  quick: true,
  run: async (context) => {
    const contenders = await openAll(context);
    const comparisons: Comparison[] = [];
    for (const events of context.quick ? [1] : EVENTS) {
      for (const inFlight of context.quick ? [1, 64] : IN_FLIGHT) {
        const load: AppendLoad = { inFlight, events, ms: context.pace.roundMs };
        context.say(`  ${inFlight} in flight, ${events} each …`);
        const results = await interleaved(contenders, context.pace.rounds, load);
        const [ours, emmett] = [results[0]!, results.find(({ name }) => name === EMMETT)!];
        comparisons.push({
          what: `${inFlight} in flight, ${events} event${events > 1 ? 's' : ''} each`,
          unit: 'appends',
          results,
          goals: [
            ...(inFlight === 64 ? [timesAsFast(results, EMMETT, 8), timesAsFast(results, CEILING, 0.6)] : []),
            ...(inFlight === 1 ? [atMost(ours.latency!.p50, emmett.latency!.p50, 'ms p50, that of Emmett')] : []),
          ],
        });
      }
    }
    return comparisons;
  },
};

async function openAll(context: BenchContext) {
  const own = async (): Promise<{ databaseUrl: string }> => ({ databaseUrl: await context.database() });
  const bare = async (): Promise<{ databaseUrl: string }> => ({ databaseUrl: await context.database({ migrated: false }) });
  return [
    await context.contender(TIDEMARK, 'append/tidemark.contender', await own()),
    await context.contender(CEILING, 'append/raw-insert.contender', await own()),
    await context.contender('TypeORM, a transaction each', 'append/typeorm.contender', await own()),
    await context.peer(EMMETT, 'emmett-append', await bare()),
    await context.peer('message-db', 'message-db-append', await bare()),
  ];
}
