import pg from 'pg';
import type { BenchContext } from '../harness/bench-context.js';
import type { Curve, Point } from '../harness/curve.js';
import { told } from '../harness/row.js';
import { fillOutbox } from './backlog.js';
import { ensureTopics, verifyPublished } from './published.js';

const BACKLOG = 1_000_000;
const STEP = 100_000;
const QUICK = { backlog: 60_000, step: 20_000 };
/** Published before anything counts, while the code is still being compiled. */
const WARM_UP = 20_000;
/** A series that has taken so long ends there: what it shows is seen by then. Milliseconds. */
const SERIES_MS = 90_000;
const MEBIBYTE = 2 ** 20;

/** Transactions of somebody else, open from before the drain until after it. */
const FOREIGN: readonly { readonly series: string; readonly begin: string | undefined }[] = [
  { series: 'alone', begin: undefined },
  { series: 'beside a long report (an old snapshot)', begin: 'SELECT count(*) FROM tidemark.outbox' },
  { series: 'beside a long transaction that has written', begin: 'SELECT pg_current_xact_id()' },
];

/** Whether the relay keeps its pace while what it has deleted lies in its way. */
export const outboxGrowthCurve: Curve = {
  name: 'growth-outbox',
  title: 'Draining a backlog of a million events',
  x: 'events published and deleted',
  y: 'events/s',
  logarithmic: false,
  run: async (context) => {
    const points: Point[] = [];
    const findings: string[] = [];
    for (const [index, { series, begin }] of FOREIGN.entries()) {
      context.say(`  ${series} …`);
      const { rates, left } = await drained(context, `series${index}`, begin);
      points.push(...rates.map(({ x, y }) => ({ series, x, y })));
      const [first, last] = [rates[0]!, rates.at(-1)!];
      findings.push(
        `${series}: the last step, to ${last.x.toLocaleString('en-US')} events, at ${told(last.y / first.y)} × the rate of the first; then ${left}`,
      );
    }
    return { points, findings };
  },
};

async function drained(context: BenchContext, topicPrefix: string, begin: string | undefined) {
  const { backlog, step } = context.quick ? QUICK : { backlog: BACKLOG, step: STEP };
  const place = { databaseUrl: await context.database(), broker: await context.kafka(), topicPrefix };
  await ensureTopics(place);
  await fillOutbox(place.databaseUrl, WARM_UP + backlog);
  const relay = await context.contender('Tidemark', 'relay/tidemark-drain.contender', {
    ...place,
    backlog: WARM_UP + backlog,
    turns: 1 + backlog / step,
  });
  await relay.round({ events: WARM_UP });
  const foreign = new pg.Client({ connectionString: place.databaseUrl });
  await foreign.connect();
  context.onClose(() => foreign.end());
  if (begin !== undefined) await foreign.query(`BEGIN ISOLATION LEVEL REPEATABLE READ; ${begin}`);
  const rates: { readonly x: number; readonly y: number }[] = [];
  const startedAt = performance.now();
  for (let x = step; x <= backlog && performance.now() - startedAt < SERIES_MS; x += step) {
    const { perSecond } = await relay.round({ events: step });
    rates.push({ x, y: perSecond });
  }
  const left = await stateOf(place.databaseUrl);
  if (begin !== undefined) await foreign.query('ROLLBACK');
  await relay.close();
  await verifyPublished(place);
  return { rates, left };
}

async function stateOf(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ dead: number; heap: number; index: number }>(
      `SELECT n_dead_tup::float8 AS dead, pg_table_size(relid)::float8 AS heap, pg_indexes_size(relid)::float8 AS index
       FROM pg_stat_user_tables WHERE schemaname = 'tidemark' AND relname = 'outbox'`,
    );
    const { dead, heap, index } = rows[0]!;
    return `${dead.toLocaleString('en-US')} dead rows, ${told(heap / MEBIBYTE)} MiB of table and ${told(index / MEBIBYTE)} MiB of index`;
  } finally {
    await client.end();
  }
}
