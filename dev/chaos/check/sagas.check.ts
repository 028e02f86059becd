import { behaviourOf } from '../../gateway/behaviour.js';
import type { Bounds } from './bounds.js';
import type { CommandStory } from './command-story.js';
import type { FaultWindows } from './fault-windows.js';
import type { OpenReservation, OrderFacts } from './store-facts.js';
import { number, Violations, type Judgement } from './violations.js';

export interface SagaInputs {
  /** Orders whose placing was accepted, by order id, from the history. */
  readonly accepted: ReadonlyMap<string, CommandStory>;
  readonly orders: Iterable<OrderFacts>;
  readonly openReservations: readonly OpenReservation[];
  readonly faults: FaultWindows;
  readonly bounds: Pick<Bounds, 'sagaMs'>;
}

const OUTCOME: Readonly<Record<string, OrderFacts['outcome']>> = {
  OrderConfirmed: 'confirmed',
  OrderRejected: 'rejected',
  OrderCancelled: 'cancelled',
};

/**
 * I9: every order that was accepted has ended, its fulfilment has completed the same way, and it took no longer than the bound of time
 * without a fault; only a payment whose gateway never helps waits for an operator. Nothing is set aside for an order that has ended.
 */
export function checkSagas({ accepted, orders, openReservations, faults, bounds }: SagaInputs): Judgement {
  const violations = new Violations();
  const counted = { orders: 0, confirmed: 0, rejected: 0, cancelled: 0, parked: 0, slowestQuietMs: 0 };
  const missing = new Set(accepted.keys());
  const waiting = new Set<string>();
  for (const order of orders) {
    const { orderId, status, outcome, completedAt, parked } = order;
    missing.delete(orderId);
    counted.orders += 1;
    if (parked) {
      counted.parked += 1;
      waiting.add(orderId);
      if (!mayPark(order)) violations.add(`order ${orderId} is parked, though its gateway would have helped`, [orderId], lookAt(orderId));
      continue;
    }
    if (status === 'OrderPlaced') waiting.add(orderId);
    const wanted = status === null ? undefined : OUTCOME[status];
    if (outcome === null || wanted === undefined || outcome !== wanted) {
      violations.add(
        `order ${orderId} is ${status ?? 'unknown'}, its fulfilment ${outcome ?? (order.startedAt === null ? 'never began' : 'has not ended')}`,
        [orderId],
        lookAt(orderId),
      );
      continue;
    }
    counted[outcome] += 1;
    const quietMs = faults.longestQuiet(beganAt(order), completedAt!);
    counted.slowestQuietMs = Math.max(counted.slowestQuietMs, quietMs);
    if (quietMs > bounds.sagaMs + patienceOf(order)) {
      violations.add(
        `order ${orderId} took ${quietMs} ms without any fault to end (bound ${bounds.sagaMs} ms)`,
        [orderId],
        lookAt(orderId),
      );
    }
  }
  for (const orderId of missing) violations.add(`order ${orderId} was accepted and is not there`, [orderId], accepted.get(orderId)!.where);
  for (const { sku, orderId, pieces } of openReservations) {
    if (!waiting.has(orderId))
      violations.add(
        `${pieces} of ${sku} are still reserved for order ${orderId}, which has ended`,
        [orderId, `stock-${sku}`],
        lookAt(orderId),
      );
  }
  return {
    checked: `${number(counted.orders)} orders have ended: ${number(counted.confirmed)} confirmed, ${number(counted.rejected)} rejected, ${number(counted.cancelled)} cancelled; ${number(counted.parked)} wait for an operator as they should; slowest ${number(counted.slowestQuietMs)} ms without a fault`,
    counted,
    violations,
  };
}

/** A confirmed order that was cancelled later began its second half then. */
const beganAt = ({ placedAt, cancelledAt, cancelledFrom, completedAt }: OrderFacts): number =>
  (cancelledFrom === 'confirmed' ? cancelledAt : placedAt) ?? completedAt!;

function mayPark({ payment }: OrderFacts): boolean {
  if (payment === null) return false;
  const { down, rejects } = behaviourOf(payment.token);
  return down === true || rejects === true;
}

/** What the gateway itself takes for this payment, milliseconds: each of its four operations may be slow. */
function patienceOf({ payment }: OrderFacts): number {
  const { answerDelayMs = 0, workDelayMs = 0 } = behaviourOf(payment?.token ?? 'tok_ok');
  return 4 * (answerDelayMs + workDelayMs);
}

const lookAt = (orderId: string): string =>
  `SELECT * FROM tidemark.events WHERE stream_id IN ('order-${orderId}', 'fulfilment-${orderId}', 'payment-${orderId}') ORDER BY position`;
