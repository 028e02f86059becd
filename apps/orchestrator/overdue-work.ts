import { nextAction, streamId, type FulfilmentState } from '#domain';
import { failpoints } from '#failpoints';
import { isTransientDatabaseError, type Logger } from '#platform';
import type { Admission } from './admission.js';
import { actionName, type ClaimedWork, type FulfilmentWork } from './fulfilment-work.js';
import type { FulfilmentLoaders } from './fulfilment-loaders.js';
import type { FulfilmentRunner } from './fulfilment-runner.js';
import type { GatewayDispatcher } from './gateway-dispatcher.js';

interface OverdueOptions {
  readonly work: FulfilmentWork;
  readonly loaders: FulfilmentLoaders;
  readonly runner: FulfilmentRunner;
  readonly dispatcher: GatewayDispatcher;
  readonly admission: Admission;
  readonly leaseMs: number;
  readonly logger: Logger;
}

const POLL_MS = 1_000;
const CLAIM_LIMIT = 200;

/**
 * Picks up actions that are due: those that had to wait and may leave now, and those whose process died or lost track of them, so that
 * their lease has run out.
 * - What waited has not left: it leaves now, whichever process wrote it down.
 * - A step that was sent and has no recorded outcome becomes "unknown" (a message to the saga like any other), so the gateway is asked
 *   before anything is sent again. A question that was lost is asked again.
 *
 * No more is taken than there is room for in memory: the rest stays due, for any process that has room.
 */
export class OverdueWork {
  private timer: NodeJS.Timeout | undefined;
  private polling: Promise<void> | undefined;
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
      for (let limit = this.limit(), full = true; full && limit > 0 && !this.stopped; limit = this.limit()) {
        const due = await this.options.work.claim(limit, this.options.leaseMs);
        full = due.length === limit;
        // What is under way here was only late in renewing its lease; the claim has renewed it.
        await this.resume(due.filter((row) => !this.options.dispatcher.has(row.orderId)));
      }
    } catch (error) {
      const level = isTransientDatabaseError(error) ? 'warn' : 'error';
      this.options.logger[level]({ event: 'fulfilment.overdue.poll-failed', err: error });
    }
  }

  private limit(): number {
    return Math.min(CLAIM_LIMIT, this.options.admission.room);
  }

  private async resume(due: readonly ClaimedWork[]): Promise<void> {
    if (due.length === 0) return;
    this.options.logger.info({ event: 'fulfilment.overdue.taken', count: due.length });
    if (failpoints.armed) await failpoints.reach('orchestrator.timer');
    const ids = due.map((row) => streamId('fulfilment', row.orderId));
    // Another process may have moved these sagas on since they were last seen here.
    const states = await this.options.loaders.fulfilment.loadMany(ids);
    await Promise.all(due.map((row, index) => this.resumeOne(row, states.get(ids[index] ?? '')?.state)));
  }

  private async resumeOne(row: ClaimedWork, state: FulfilmentState | undefined): Promise<void> {
    if (state === undefined || state.status === 'not-started') return;
    const action = nextAction(state);
    const { correlationId, causationId, waitsFor } = row;
    // Moved on since it was claimed, by a process that has written a row of its own.
    if (waitsFor !== null && waitsFor !== actionName(action)) return;
    if (action.kind === 'look-up' || (action.kind === 'send' && waitsFor !== null)) {
      this.options.dispatcher.dispatch({ fulfilment: state, action, waitMs: 0, correlationId, causationId });
    } else if (action.kind === 'send') {
      await this.options.runner.submit(
        row.orderId,
        { type: 'GatewayUnknown', operation: action.operation, detail: 'no outcome was recorded before the deadline' },
        { correlationId, causationId, actor: 'system:orchestrator', traceparent: null },
      );
    }
  }
}
