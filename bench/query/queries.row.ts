import { startApp } from '../harness/app-process.js';
import { interleaved } from '../harness/rounds.js';
import { timesAsFast, type BenchRow, type Comparison } from '../harness/row.js';
import { startServer } from '../http/servers.js';
import type { Read, ReadsLoad } from './reads.contender.js';
import { loadTrade, MONTH, YEAR } from './year-of-trade.js';

const CONNECTIONS = 64;
const CEILING = 'Fastify + pg, same SQL';
const NOTE = 'Fastify + pg: the same prepared statements, ten connections; no validation, freshness, entity tags, metrics or limits.';
const READS: readonly (readonly [read: Read, what: string])[] = [
  ['order', 'an order by id, 26 lines on average'],
  ['page', 'a page of 50 orders'],
  ['overview', 'the overview of all time'],
];

/** Reads of the query side with a year of orders loaded. */
export const queriesRow: BenchRow = {
  name: 'queries',
  measures: 'query-api with a year of orders, 64 connections',
  quick: false,
  run: async (context) => {
    const trade = context.quick ? MONTH : YEAR;
    const databaseUrl = await context.database();
    context.say(`  loading ${trade.orders} orders …`);
    await loadTrade(databaseUrl, trade);
    const servers: (readonly [name: string, url: string])[] = [
      ['Tidemark', (await startApp(context, 'query-api', { databaseUrl })).url],
      [CEILING, await startServer(context, CEILING, 'query/fastify-pg.contender', { databaseUrl })],
    ];
    const contenders = [];
    for (const [name, url] of servers) {
      contenders.push(await context.contender(name, 'query/reads.contender', { url, connections: CONNECTIONS }));
    }
    const comparisons: Comparison[] = [];
    for (const [read, what] of READS) {
      context.say(`  ${what} …`);
      const load: ReadsLoad = { read, trade, connections: CONNECTIONS, ms: context.pace.roundMs };
      const results = await interleaved(contenders, context.pace.rounds, load);
      comparisons.push({ what, unit: 'requests', results, goals: [timesAsFast(results, CEILING, 0.6)], notes: [NOTE] });
    }
    return comparisons;
  },
};
