import { Random } from '../../dev/chaos/load/random.js';
import { closedLoop, type Contender } from '../harness/contender.js';
import { HttpClient } from '../http/http-client.js';
import { orderIdOf, placedAtOf, type Trade } from './year-of-trade.js';

export type Read = 'order' | 'page' | 'overview';

export interface ReadsLoad {
  readonly read: Read;
  readonly trade: Trade;
  readonly connections: number;
  /** Milliseconds. */
  readonly ms: number;
}

/** What is asked, the n-th time: other orders and other pages each time. */
export function pathOf(read: Read, trade: Trade, random: Random): string {
  const number = random.between(0, trade.orders - 1);
  if (read === 'order') return `/orders/${orderIdOf(number)}`;
  return read === 'page' ? `/orders?placedTo=${placedAtOf(trade, number)}` : '/overview';
}

/** Clients that read, each waiting for its answer before it asks again. */
export async function open({ url, connections }: { readonly url: string; readonly connections: number }): Promise<Contender<ReadsLoad>> {
  const client = new HttpClient(url, connections);
  const random = new Random(7);
  return {
    round: ({ read, trade, ms }) =>
      closedLoop(connections, ms, () => client.ask({ method: 'GET', path: pathOf(read, trade, random) }, 200)),
    close: () => client.close(),
  };
}
