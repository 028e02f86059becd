import type { BenchContext } from '../harness/bench-context.js';
import type { ContenderProcess } from '../harness/contender-process.js';
import { interleavedWarm } from '../harness/rounds.js';
import { atMost, timesAsFast, type BenchRow, type Comparison } from '../harness/row.js';
import type { AppendLoad } from './append-load.js';

const IN_FLIGHT = [1, 16, 64, 256];
const EVENTS = [1, 4];
const TIDEMARK = 'Tidemark';
const EMMETT = 'Emmett';
const CEILING = 'raw multi-row INSERT';
const TYPEORM = 'TypeORM, a transaction each';
/** Milliseconds of a round: all have met the machine once before, and there are nine comparisons. */
const ROUND_MS = 700;

const EVENTS_ALONE = [
  'Tidemark, raw INSERT and TypeORM write events, the head of their stream, and an outbox row for each event; positions, correlation and versions are indexed.',
  'Emmett writes events and the head of their stream, message-db events; their consumers poll, there is no outbox.',
  'Streams, events and correlations have ids of the kind that the product makes, UUIDs of version 7, with all of them.',
];
const WITH_COMMAND = [
  'As command-api appends: the same rows and, for each append, its command with idempotency key, fingerprint and answer, found by id and by key.',
];

/** Durable appends, outbox row included, and how long one takes. */
export const appendRow: BenchRow = {
  name: 'append',
  measures: 'Durable appends: events and their outbox rows',
  quick: true,
  run: async (context) => {
    const contenders = await openAll(context);
    const withCommand = contenders.filter(({ name }) => [TIDEMARK, CEILING, TYPEORM].includes(name));
    const ms = context.quick ? context.pace.roundMs : ROUND_MS;
    await warmUp(contenders, ms);
    const comparisons: Comparison[] = [];
    for (const events of context.quick ? [1] : EVENTS) {
      for (const inFlight of context.quick ? [1, 64] : IN_FLIGHT) {
        context.say(`  ${inFlight} in flight, ${events} each …`);
        const load: AppendLoad = { inFlight, events, ms, command: false };
        const results = await interleavedWarm(contenders, context.pace.rounds, load);
        const [ours, emmett] = [results[0]!, results.find(({ name }) => name === EMMETT)!];
        comparisons.push({
          what: `${inFlight} in flight, ${events} event${events > 1 ? 's' : ''} each`,
          unit: 'appends',
          results,
          goals: [
            ...(inFlight === 64 ? [timesAsFast(results, EMMETT, 8), timesAsFast(results, CEILING, 0.6)] : []),
            ...(inFlight === 1 ? [atMost(ours.latency!.p50, emmett.latency!.p50, 'ms p50, that of Emmett')] : []),
          ],
          ...(comparisons.length === 0 && { notes: EVENTS_ALONE }),
        });
      }
    }
    context.say('  with a command …');
    const load: AppendLoad = { inFlight: 64, events: 1, ms, command: true };
    const results = await interleavedWarm(withCommand, context.pace.rounds, load);
    const what = '64 in flight, 1 event each, with idempotency key and stored answer';
    comparisons.push({ what, unit: 'appends', results, goals: [timesAsFast(results, CEILING, 0.6)], notes: WITH_COMMAND });
    return comparisons;
  },
};

/** Their statements are prepared and their code is compiled before anything counts. */
async function warmUp(contenders: readonly ContenderProcess[], ms: number): Promise<void> {
  const load: AppendLoad = { inFlight: 64, events: 1, ms, command: false };
  for (const contender of contenders) await contender.round(load);
}

async function openAll(context: BenchContext) {
  const own = async (): Promise<{ databaseUrl: string }> => ({ databaseUrl: await context.database() });
  const bare = async (): Promise<{ databaseUrl: string }> => ({ databaseUrl: await context.database({ migrated: false }) });
  return [
    await context.contender(TIDEMARK, 'append/tidemark.contender', await own()),
    await context.contender(CEILING, 'append/raw-insert.contender', await own()),
    await context.contender(TYPEORM, 'append/typeorm.contender', await own()),
    await context.peer(EMMETT, 'emmett-append', await bare()),
    await context.peer('message-db', 'message-db-append', await bare()),
  ];
}
