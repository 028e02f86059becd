import { nextAction, streamId, type FulfilmentState } from '#domain';
import { failpoints } from '#failpoints';
import { isTransientDatabaseError, type Logger } from '#platform';
import type { Admission } from './admission.js';
import { owedName, type ClaimedWork, type FulfilmentWork } from './fulfilment-work.js';
import type { FulfilmentLoaders } from './fulfilment-loaders.js';
import type { FulfilmentRunner } from './fulfilment-runner.js';
import type { GatewayDispatcher } from './gateway-dispatcher.js';
import type { Pool, PoolClient } from 'pg';
import { BEGIN } from './transaction.js';

interface OverdueOptions {
  readonly pool: Pool;
  readonly work: FulfilmentWork;
  readonly loaders: FulfilmentLoaders;
  readonly runner: FulfilmentRunner;
  readonly dispatcher: GatewayDispatcher;
  readonly admission: Admission;
  readonly leaseMs: number;
  readonly logger: Logger;
}

const POLL_MS = 1_000;
/** Polls between two looks for what a clock that went back has left far away. */
const PULL_BACK_EVERY = 10;
const CLAIM_LIMIT = 200;

/** It ended the transaction. */
const isDatabaseError = (error: unknown): boolean =>
  isTransientDatabaseError(error) || /^[0-9A-Z]{5}$/.test(String((error as { code?: unknown }).code));

interface Claimed {
  readonly row: ClaimedWork;
  /** undefined when it cannot be read. */
  readonly state: FulfilmentState | undefined;
}

/**
 * Picks up actions that are due: those that had to wait and may leave now, and those whose process died or lost track of them, so that
 * their lease has run out.
 * - What waited has not left: it leaves now, whichever process wrote it down.
 * - A step that was sent and has no recorded outcome becomes "unknown" (a message to the saga like any other), so the gateway is asked
 *   before anything is sent again. A question that was lost is asked again.
 * - The row names the action: when the saga is found to owe another, it has been moved on by a process that wrote a row of its own.
 *
 * No more is taken than there is room for in memory: the rest stays due, for any process that has room.
 */
export class OverdueWork {
  private timer: NodeJS.Timeout | undefined;
  private polling: Promise<void> | undefined;
  private polls = 0;
  private stopped = false;

  constructor(private readonly options: OverdueOptions) {}

  start(): void {
    this.timer = setInterval(() => {
      this.polling ??= this.poll().finally(() => (this.polling = undefined));
    }, POLL_MS);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    await this.polling;
  }

  private async poll(): Promise<void> {
    try {
      if (this.polls++ % PULL_BACK_EVERY === 0) await this.options.work.pullBack(this.options.leaseMs);
      for (let limit = this.limit(), full = true; full && limit > 0 && !this.stopped; limit = this.limit()) {
        const claimed = await this.claim(limit);
        full = claimed.length === limit;
        await this.resume(claimed);
      }
    } catch (error) {
      const level = isTransientDatabaseError(error) ? 'warn' : 'error';
      this.options.logger[level]({ event: 'fulfilment.overdue.poll-failed', err: error });
    }
  }

  private limit(): number {
    return Math.min(CLAIM_LIMIT, this.options.admission.room);
  }

  /** In one transaction with the reading of their sagas: when that fails because the database is away, nothing is claimed. */
  private async claim(limit: number): Promise<Claimed[]> {
    const client = await this.options.pool.connect();
    let broken: Error | undefined;
    try {
      await client.query(BEGIN);
      const rows = await this.options.work.claim(client, limit, this.options.leaseMs);
      const claimed = rows.length === 0 ? [] : await this.withStates(rows, client);
      await client.query('COMMIT');
      return claimed;
    } catch (error) {
      // The connection goes, and the transaction with it.
      broken = error instanceof Error ? error : new Error(String(error));
      throw error;
    } finally {
      client.release(broken);
    }
  }

  /** One saga that cannot be read holds up no other: which one it is shows when each is read alone. */
  private async withStates(rows: readonly ClaimedWork[], client: PoolClient): Promise<Claimed[]> {
    const { fulfilment } = this.options.loaders;
    const idOf = (row: ClaimedWork): string => streamId('fulfilment', row.orderId);
    try {
      const states = await fulfilment.loadMany(rows.map(idOf), client);
      return rows.map((row) => ({ row, state: states.get(idOf(row))?.state }));
    } catch (error) {
      if (isDatabaseError(error)) throw error;
    }
    const claimed: Claimed[] = [];
    for (const row of rows) {
      try {
        claimed.push({ row, state: (await fulfilment.loadMany([idOf(row)], client)).get(idOf(row))?.state });
      } catch (error) {
        if (isDatabaseError(error)) throw error;
        this.options.logger.error({ event: 'fulfilment.overdue.unreadable', orderId: row.orderId, err: error });
        claimed.push({ row, state: undefined });
      }
    }
    return claimed;
  }

  private async resume(claimed: readonly Claimed[]): Promise<void> {
    // What is under way here was only late in renewing its lease; the claim has renewed it.
    const due = claimed.filter(({ row }) => !this.options.dispatcher.has(row));
    if (due.length === 0) return;
    this.options.logger.info({ event: 'fulfilment.overdue.taken', count: due.length });
    if (failpoints.armed) await failpoints.reach('orchestrator.timer');
    await Promise.all(due.map(({ row, state }) => this.resumeOne(row, state)));
  }

  private async resumeOne(
    { orderId, correlationId, causationId, owed, waits }: ClaimedWork,
    state: FulfilmentState | undefined,
  ): Promise<void> {
    if (state === undefined || state.status === 'not-started') return;
    const action = nextAction(state);
    if (owed !== null && owed !== owedName(action, causationId)) return;
    if (action.kind === 'look-up' || (action.kind === 'send' && waits)) {
      this.options.dispatcher.dispatch({ fulfilment: state, action, waitMs: 0, correlationId, causationId });
    } else if (action.kind === 'send') {
      await this.options.runner.submit(
        orderId,
        { type: 'GatewayUnknown', operation: action.operation, detail: 'no outcome was recorded before the deadline' },
        { correlationId, causationId, actor: 'system:orchestrator', traceparent: null },
      );
    }
  }
}
