import { checkAcceptedCommands } from '../../dev/verify/accepted-commands.check.js';
import { PostgresDatabase } from '../../dev/verify/database.js';
import { checkGaplessStreams } from '../../dev/verify/gapless-streams.check.js';
import type { BenchContext } from '../harness/bench-context.js';
import type { ContenderProcess } from '../harness/contender-process.js';
import { startApp } from '../harness/app-process.js';
import { interleaved } from '../harness/rounds.js';
import { timesAsFast, type BenchRow, type Comparison } from '../harness/row.js';
import type { PostOrdersLoad } from './post-orders.contender.js';
import { startServer } from './servers.js';

const CONNECTIONS = 64;
/** A small order, and what an order of the Online Retail year holds on average. */
const LINES = [1, 26];
const CEILING = 'command-api without a store';
const PLAIN = 'plain Nest without a store';
const TYPEORM = 'plain Nest, TypeORM transaction';
const NOTES = [
  'The ceiling is the app itself, the same Nest, Fastify, validation and command bus, on a store that answers at once and keeps nothing.',
  "Plain Nest has none of our manners: Fastify, Nest's own ValidationPipe on the same request class, the command bus and a handler; no strict JSON, idempotency, correlation, metrics or limits.",
  'With TypeORM plain Nest writes the same four rows of each order in a transaction, ten connections.',
];

/** From the request to the 201 that says: it is on disk. */
export const postOrdersRow: BenchRow = {
  name: 'post-orders',
  measures: 'POST /orders → durable 201, 64 connections',
  quick: true,
  run: async (context) => {
    const databaseUrl = await context.database();
    const contenders = await openAll(context, databaseUrl);
    const comparisons: Comparison[] = [];
    for (const lines of context.quick ? LINES.slice(0, 1) : LINES) {
      context.say(`  ${lines} lines an order …`);
      const load: PostOrdersLoad = { connections: CONNECTIONS, lines, ms: context.pace.roundMs };
      const results = await interleaved(contenders, context.pace.rounds, load);
      comparisons.push({
        what: `orders of ${lines} line${lines > 1 ? 's' : ''}`,
        unit: 'orders',
        results,
        goals: [timesAsFast(results, CEILING, 0.5), timesAsFast(results, PLAIN, 0.5), timesAsFast(results, TYPEORM, 4)],
        notes: NOTES,
      });
    }
    await verify(databaseUrl);
    return comparisons;
  },
};

/** Each server in a process of its own, and its clients in another. */
async function openAll(context: BenchContext, databaseUrl: string): Promise<ContenderProcess[]> {
  const servers: (readonly [name: string, url: string])[] = [
    ['Tidemark', (await startApp(context, 'command-api', { databaseUrl })).url],
    [CEILING, await startServer(context, CEILING, 'http/no-store.contender', {})],
    [PLAIN, await startServer(context, PLAIN, 'http/plain-nest.contender', {})],
    [TYPEORM, await startServer(context, TYPEORM, 'http/plain-nest.contender', { databaseUrl: await context.database() })],
  ];
  const contenders: ContenderProcess[] = [];
  for (const [name, url] of servers) contenders.push(await context.contender(name, 'http/post-orders.contender', { url }));
  return contenders;
}

/** @throws Error when an order that was answered with 201 is not there, or a stream has a hole */
async function verify(databaseUrl: string): Promise<void> {
  const database = new PostgresDatabase(databaseUrl);
  try {
    for (const check of [checkAcceptedCommands, checkGaplessStreams]) {
      const { violations } = await check(database);
      if (violations.count > 0) throw new Error(`what the benchmark wrote does not verify: ${violations.kept.slice(0, 3).join('; ')}`);
    }
  } finally {
    await database.close();
  }
}
