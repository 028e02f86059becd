import type { FulfilmentAction, FulfilmentInput, StartedFulfilment } from '#domain';
import { failpoints } from '#failpoints';
import type { Logger } from '#platform';
import type { GatewayClient, GatewayOutcome } from './gateway-client.js';
import type { FulfilmentWork, Leased } from './fulfilment-work.js';

export type GatewayAction = Extract<FulfilmentAction, { kind: 'send' | 'look-up' }>;

/** An action decided and committed, ready to leave the process. */
export interface Dispatch {
  readonly fulfilment: StartedFulfilment;
  readonly action: GatewayAction;
  readonly correlationId: string;
  /** Id of the event that asked for it. */
  readonly causationId: string;
  /** Milliseconds to wait in memory before it leaves; longer waits are timers in the database (see FulfilmentRunner). */
  readonly waitMs: number;
}

interface DispatcherOptions {
  readonly gateway: GatewayClient;
  readonly work: FulfilmentWork;
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly logger: Logger;
  /** An action is finished: there may be room for another. */
  readonly onFinished: () => void;
  /** Takes the outcome as the saga's next input; resolves when it is committed. */
  readonly onOutcome: (dispatch: Dispatch, input: FulfilmentInput) => Promise<void>;
}

/** Milliseconds before a call that never left is tried again: the circuit is open or nothing listens. */
const NOT_SENT_RETRY_MS = 1_000;

/**
 * Carries the saga's actions to the payment gateway, at most `concurrency` at once (the bulkhead: a slow gateway never holds up
 * deciding or the database).
 * - One action an order at a time: one that still waits gives way to a newer one.
 * - What is lost with the process is found again by its lease (see FulfilmentWork). How much is taken is Admission's business.
 * - What never left is tried again here without an event; every outcome that may have taken effect goes to the saga.
 */
export class GatewayDispatcher {
  private readonly underWay = new Map<string, Dispatch>();
  private readonly ready: Dispatch[] = [];
  private readonly timers = new Set<NodeJS.Timeout>();
  /** Calls at the gateway right now. */
  private calling = 0;
  /** Those calls, and outcomes being recorded. */
  private readonly tasks = new Set<Promise<void>>();
  private stopped = false;
  private readonly renewal: NodeJS.Timeout;

  constructor(private readonly options: DispatcherOptions) {
    this.renewal = setInterval(() => void this.renewLeases(), options.leaseMs / 3);
  }

  /** Actions taken and not finished, waiting ones included. */
  get size(): number {
    return this.underWay.size;
  }

  /** {@link size}, and actions whose outcome is being recorded: these may each lead to the next one. */
  get load(): number {
    return this.underWay.size + this.tasks.size - this.calling;
  }

  /** Whether this very action is under way here, not one the order owed before. */
  has({ orderId, causationId }: Leased): boolean {
    return this.underWay.get(orderId)?.causationId === causationId;
  }

  dispatch(dispatch: Dispatch): void {
    if (this.stopped) return;
    this.underWay.set(dispatch.fulfilment.orderId, dispatch);
    this.later(dispatch, dispatch.waitMs);
  }

  /** Stops taking actions and waits until those at the gateway are answered and recorded; the others are taken over through their lease. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.renewal);
    for (const timer of this.timers) clearTimeout(timer);
    this.ready.length = 0;
    while (this.tasks.size > 0) await Promise.all(this.tasks);
  }

  private later(dispatch: Dispatch, delayMs: number): void {
    if (delayMs === 0) {
      this.ready.push(dispatch);
      this.pump();
      return;
    }
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.ready.push(dispatch);
      this.pump();
    }, delayMs);
    this.timers.add(timer);
  }

  private pump(): void {
    while (!this.stopped && this.calling < this.options.concurrency) {
      const next = this.ready.shift();
      if (next === undefined) return;
      if (this.underWay.get(next.fulfilment.orderId) !== next) continue;
      const task = this.run(next).finally(() => {
        this.tasks.delete(task);
        this.options.onFinished();
      });
      this.tasks.add(task);
    }
  }

  private async run(dispatch: Dispatch): Promise<void> {
    const { orderId } = dispatch.fulfilment;
    this.calling += 1;
    let input: FulfilmentInput | undefined;
    try {
      input = await this.perform(dispatch);
    } catch (error) {
      // Nothing is known of it, as if the process had died: given up here, it is found again by its lease.
      if (this.underWay.get(orderId) === dispatch) this.underWay.delete(orderId);
      this.options.logger.error({ event: 'gateway.action.failed', orderId, err: error });
      return;
    } finally {
      // The place at the gateway is free now: recording the outcome shares a commit with many others and may take a while.
      this.calling -= 1;
      this.pump();
    }
    if (input === undefined) {
      if (!this.stopped) this.later(dispatch, NOT_SENT_RETRY_MS);
      return;
    }
    // The next action of this order may be dispatched by the very commit of this outcome: it must find the place free.
    if (this.underWay.get(orderId) === dispatch) this.underWay.delete(orderId);
    try {
      await this.options.onOutcome(dispatch, input);
    } catch (error) {
      // The action's row is still due: after its lease the gateway is asked what became of it.
      this.options.logger.error({ event: 'gateway.outcome.not-recorded', orderId, err: error });
    }
  }

  private async perform({ fulfilment, action }: Dispatch): Promise<FulfilmentInput | undefined> {
    const { operation } = action;
    if (action.kind === 'look-up') {
      const outcome = await this.options.gateway.lookUp(fulfilment.orderId);
      if (outcome.kind === 'not-sent') return undefined;
      if (outcome.kind === 'found') {
        return { type: 'GatewayFound', operation, payment: outcome.payment, gatewayId: outcome.gatewayId };
      }
      return { type: 'GatewayUnknown', operation, detail: outcome.detail };
    }
    const outcome = await this.send(action.operation, fulfilment);
    switch (outcome.kind) {
      case 'not-sent':
        return undefined;
      case 'done':
        return { type: 'GatewayDone', operation, gatewayId: outcome.gatewayId };
      case 'declined':
        return { type: 'GatewayDeclined', operation, code: outcome.code, detail: outcome.detail };
      case 'rejected':
        return { type: 'GatewayRejected', operation, code: outcome.code, detail: outcome.detail };
      case 'unknown':
        return { type: 'GatewayUnknown', operation, detail: outcome.detail };
    }
  }

  private async send(operation: GatewayAction['operation'], fulfilment: StartedFulfilment): Promise<GatewayOutcome> {
    const { orderId, amount, currency, paymentToken } = fulfilment;
    if (failpoints.armed && operation === 'authorize') await failpoints.reach('orchestrator.reserved');
    const outcome = await this.options.gateway.send(operation, { reference: orderId, amount, currency, paymentToken });
    if (failpoints.armed && operation !== 'authorize') {
      await failpoints.reach(operation === 'capture' ? 'orchestrator.captured' : 'orchestrator.compensating');
    }
    return outcome;
  }

  private async renewLeases(): Promise<void> {
    try {
      const leased = [...this.underWay.values()].map(({ fulfilment: { orderId }, causationId }) => ({ orderId, causationId }));
      await this.options.work.renew(leased, this.options.leaseMs);
    } catch (error) {
      this.options.logger.warn({ event: 'fulfilment.lease.not-renewed', count: this.underWay.size, err: error });
    }
  }
}
