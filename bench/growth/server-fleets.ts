import { startApp } from '../harness/app-process.js';
import type { BenchContext } from '../harness/bench-context.js';
import type { ContenderProcess } from '../harness/contender-process.js';
import type { PostOrdersLoad } from '../http/post-orders.contender.js';
import type { ReadsLoad } from '../query/reads.contender.js';
import { loadTrade, MONTH } from '../query/year-of-trade.js';
import type { Fleet } from './instances.curve.js';

/** Of all processes together, whatever their number. */
const CONNECTIONS = 64;
const ROUND_MS = 3_000;
/** Fresh processes compile for seconds, the longer the more of them there are. */
const WARM_UP_MS = 5_000;

export const servers: readonly Fleet[] = [
  {
    app: 'command-api',
    unit: 'orders of one line',
    perSecond: async (context, instances) => {
      const load = (ms: number): PostOrdersLoad => ({ connections: CONNECTIONS / instances, lines: 1, ms });
      return await served(context, 'command-api', instances, 'http/post-orders.contender', await context.database(), load);
    },
  },
  {
    app: 'query-api',
    unit: 'orders read',
    perSecond: async (context, instances) => {
      const databaseUrl = await context.database();
      await loadTrade(databaseUrl, MONTH);
      const connections = CONNECTIONS / instances;
      const load = (ms: number): ReadsLoad => ({ read: 'order', trade: MONTH, connections, ms });
      return await served(context, 'query-api', instances, 'query/reads.contender', databaseUrl, load);
    },
  },
];

/** Each process with clients of its own, as a load balancer would share them out. */
async function served(
  context: BenchContext,
  app: 'command-api' | 'query-api',
  instances: number,
  client: string,
  databaseUrl: string,
  load: (ms: number) => object,
): Promise<number> {
  const processes = await Promise.all(Array.from({ length: instances }, () => startApp(context, app, { databaseUrl })));
  const clients: ContenderProcess[] = [];
  for (const { url } of processes) {
    clients.push(await context.contender(`clients of ${app}`, client, { url, connections: CONNECTIONS / instances }));
  }
  await Promise.all(clients.map((each) => each.round(load(WARM_UP_MS))));
  const measures = await Promise.all(clients.map((each) => each.round(load(ROUND_MS))));
  await Promise.all(clients.map((each) => each.close()));
  await Promise.all(processes.map((each) => each.stop()));
  return measures.reduce((sum, { perSecond }) => sum + perSecond, 0);
}
