import { startApp } from '../harness/app-process.js';
import { interleaved } from '../harness/rounds.js';
import { atLeast, timesAsFast, type BenchRow, type Comparison } from '../harness/row.js';
import { SKUS, type SagaLoad } from './saga-load.js';
import { verifyDbos, verifySagas } from './written.js';

const TIDEMARK = 'Tidemark';
const DBOS = 'DBOS';

const ONE_LINE = { orders: 2_000, lines: 1, skus: SKUS };
/** The median order of a year of real trade. */
const MANY_LINES = { orders: 500, lines: 27, skus: SKUS };

/** Orders taken from placed to confirmed: stock reserved, the payment authorized and captured, goods shipped. */
export const sagasRow: BenchRow = {
  name: 'sagas',
  measures: 'Finished sagas: reserve, charge, confirm, with a gateway that answers at once',
  quick: true,
  run: async (context) => {
    const ours = { databaseUrl: await context.database(), gatewayUrl: (await startApp(context, 'gateway', {})).url };
    const dbos = { databaseUrl: await context.database({ migrated: false }), gatewayUrl: (await startApp(context, 'gateway', {})).url };
    const contenders = [await context.contender(TIDEMARK, 'saga/tidemark.contender', ours), await context.peer(DBOS, 'dbos-saga', dbos)];
    const comparisons: Comparison[] = [];
    for (const full of context.quick ? [ONE_LINE] : [ONE_LINE, MANY_LINES]) {
      const load: SagaLoad = context.quick ? { ...full, orders: full.orders / 4 } : full;
      context.say(`  ${load.lines} ${load.lines === 1 ? 'line' : 'lines'} an order …`);
      const results = await interleaved(contenders, context.pace.rounds, load, () => context.settle(ours.databaseUrl));
      comparisons.push({
        what: `${load.lines} ${load.lines === 1 ? 'line' : 'lines'} an order, a backlog of ${load.orders} orders`,
        unit: 'sagas',
        results,
        goals: [...(load.lines === 1 ? [atLeast(results[0]!.perSecond.median, 1_000, 'sagas/s')] : []), timesAsFast(results, DBOS, 2)],
        notes: [
          'Both call the same gateway simulator (a process of its own, an authorization and a capture an order, answered once on disk).',
          'Tidemark: the app’s own engine and consumer’s handler get the OrderPlaced messages as its consumer gives them; Kafka and the relay are not running. 14 events and outbox rows an order of one line, 66 of 27 lines.',
          'DBOS 5.3.0: a workflow of three durable steps, reserve and confirm one statement each in tables of its own; no events, nothing to publish, authorization and capture in one step.',
        ],
      });
    }
    await verifySagas(ours);
    await verifyDbos(dbos);
    return comparisons;
  },
};
