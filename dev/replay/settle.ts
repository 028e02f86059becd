import { setTimeout as delay } from 'node:timers/promises';
import type { Progress } from './progress.js';
import type { QuerySide } from './query-side.js';

export interface SettleOptions {
  readonly query: QuerySide;
  readonly from: string;
  readonly to: string;
  /** Orders that must be seen and have ended. */
  readonly orders: number;
  /** How long nothing may happen at all, milliseconds. */
  readonly patienceMs: number;
  readonly progress: Pick<Progress, 'to'>;
  readonly everyMs?: number;
}

/**
 * Waits until query-api shows every order of the range, none of them still placed. Answers false when nothing has changed
 * for as long as patience lasts.
 */
export async function settle({ query, from, to, orders, patienceMs, progress, everyMs = 1_000 }: SettleOptions): Promise<boolean> {
  let last = '';
  let changedAt = Date.now();
  while (!(await allEnded(query, from, to, orders))) {
    const byStatus = await query.byStatus();
    const open = byStatus.get('placed') ?? 0;
    progress.to(Math.max(0, orders - open), `${open} open`);
    const now = JSON.stringify([...byStatus].sort());
    if (now !== last) {
      last = now;
      changedAt = Date.now();
    } else if (Date.now() - changedAt > patienceMs) {
      return false;
    }
    await delay(everyMs);
  }
  progress.to(orders);
  return true;
}

async function allEnded(query: QuerySide, from: string, to: string, orders: number): Promise<boolean> {
  // Asked first because it is quick to answer; the figures of a long range are not.
  for await (const _open of query.orders({ status: 'placed', placedFrom: from, placedTo: to })) return false;
  const { byStatus } = await query.figures(from, to);
  let seen = 0;
  for (const count of byStatus.values()) seen += count;
  return seen >= orders && !byStatus.get('placed');
}
