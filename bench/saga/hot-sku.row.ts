import { startApp } from '../harness/app-process.js';
import { interleaved } from '../harness/rounds.js';
import { atLeast, atMost, type BenchRow } from '../harness/row.js';
import type { SagaLoad } from './saga-load.js';
import { verifySagas } from './written.js';

const TIDEMARK = 'Tidemark';
const OPTIMISTIC = 'optimistic retry only';

/** Of the backlog, what is enough to see how optimistic retry fares: it is that slow. */
const SHARE = 0.1;

/** Orders that all want the same SKU, from placed to confirmed: its stream is written twice for each. */
export const hotSkuRow: BenchRow = {
  name: 'hot-sku',
  measures: 'One hot SKU: orders that all reserve it, charged and confirmed',
  quick: true,
  run: async (context) => {
    const ours = { databaseUrl: await context.database(), gatewayUrl: (await startApp(context, 'gateway', {})).url };
    const theirs = { databaseUrl: await context.database(), gatewayUrl: (await startApp(context, 'gateway', {})).url };
    const contenders = [
      await context.contender(TIDEMARK, 'saga/tidemark.contender', ours),
      await context.contender(OPTIMISTIC, 'saga/optimistic.contender', { ...theirs, share: SHARE }),
    ];
    const load: SagaLoad = { orders: context.quick ? 600 : 2_000, lines: 1, skus: 1 };
    const results = await interleaved(contenders, context.pace.rounds, load, () => context.settle(ours.databaseUrl));
    await verifySagas(ours);
    await verifySagas(theirs);
    const [tidemark, optimistic] = results;
    const each = (orders: number, conflicts = 0): string => (conflicts / orders).toFixed(2);
    return [
      {
        what: `a backlog of ${load.orders} orders of the same SKU`,
        unit: 'orders',
        results,
        goals: [
          atLeast(tidemark!.perSecond.median, 500, 'orders/s'),
          atMost(tidemark!.counts?.['conflicts'] ?? Number.NaN, 0, 'conflicts (appends refused and decided again)'),
        ],
        notes: [
          `Conflicts an order: ${each(load.orders, tidemark!.counts?.['conflicts'])} and, with optimistic retry, ${each(load.orders * SHARE, optimistic!.counts?.['conflicts'])}.`,
          'Optimistic retry: the same decisions, event store, timers and gateway client; each input is loaded, decided and appended alone, 8 orders at a time, and tried again on a conflict after a growing random pause. It is given a tenth of the backlog.',
        ],
      },
    ];
  },
};
