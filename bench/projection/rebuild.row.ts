import { PROJECTION_NAMES, type ProjectionName } from '#read-models';
import type { BenchContext } from '../harness/bench-context.js';
import type { ContenderProcess } from '../harness/contender-process.js';
import { interleaved } from '../harness/rounds.js';
import { atLeast, timesAsFast, type BenchRow, type Comparison } from '../harness/row.js';
import { fillStore } from './fill-store.js';

const TIDEMARK = 'Tidemark';
const CEILING = 'SELECT of the same rows';
const EMMETT = 'Emmett';
/** Those that the peer has as well. */
const SOME: readonly ProjectionName[] = ['orders', 'stock'];

/** All read models from the event store alone: what a lost read side, or a changed projection, costs. */
export const rebuildRow: BenchRow = {
  name: 'rebuild',
  measures: 'Projection rebuild from the store',
  quick: true,
  run: async (context) => {
    const [databaseUrl, orders] = [await context.database(), context.quick ? 500 : 4_000];
    const events = await fillStore(databaseUrl, orders);
    const tidemark = await context.contender(TIDEMARK, 'projection/rebuild.contender', { databaseUrl, events });
    const ceiling = await context.contender(CEILING, 'projection/select.contender', { databaseUrl, events });
    return [await all(context, [tidemark, ceiling], events), await some(context, tidemark, orders, events)];
  },
};

async function all(context: BenchContext, contenders: readonly ContenderProcess[], events: number): Promise<Comparison> {
  const results = await interleaved(contenders, context.pace.rounds, { projections: PROJECTION_NAMES });
  return {
    what: `all ${PROJECTION_NAMES.length} projections, ${events.toLocaleString('en')} events`,
    unit: 'events',
    results,
    goals: [atLeast(results[0]!.perSecond.median, 50_000, 'events/s')],
    notes: [
      'an event counts once, however many projections take it',
      'with Tidemark, comparing each table with the live one, row by row, and swapping them is part of it',
    ],
  };
}

async function some(context: BenchContext, tidemark: ContenderProcess, orders: number, events: number): Promise<Comparison> {
  const databaseUrl = await context.database({ migrated: false });
  const emmett = await context.peer(EMMETT, 'emmett-rebuild', { databaseUrl, orders: Math.ceil(orders / 20) });
  const results = await interleaved([tidemark, emmett], context.pace.rounds, { projections: SOME });
  return {
    what: `the projections ${SOME.join(' and ')} alone, of the same ${events.toLocaleString('en')} events`,
    unit: 'events',
    results,
    goals: [timesAsFast(results, EMMETT, 4)],
    notes: [
      'Emmett 0.42: raw SQL projections, batches of 5,000 without a pause (by default 100 and 50 ms); a rebuild hands them one event at a time',
      'Emmett has a twentieth of the orders, which favours it: each of its batches reads all messages there are',
      'Emmett truncates what is being read and fills it again; it compares nothing and keeps no version of each stream',
    ],
  };
}
