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
  readonly bounds: Pick<Bounds, 'sagaMs' | 'sagaWallMs'>;
}

const OUTCOME: Readonly<Record<string, OrderFacts['outcome']>> = {
  OrderConfirmed: 'confirmed',
  OrderRejected: 'rejected',
  OrderCancelled: 'cancelled',
};

/**
 * I9: every order that was accepted has ended, its fulfilment has completed the same way, and it took no longer than the bounds (of
 * all its time without a fault, and of time in all; not counted while it waited for an operator); only a payment whose gateway never
 * helps waits for one at the end. Nothing is set aside for an order that has ended.
 */
export function checkSagas({ accepted, orders, openReservations, faults, bounds }: SagaInputs): Judgement {
  const violations = new Violations();
  const counted = { orders: 0, confirmed: 0, rejected: 0, cancelled: 0, parked: 0, slowestQuietMs: 0, slowestMs: 0 };
  const missing = new Set(accepted.keys());
  const waiting = new Set<string>();
  for (const order of orders) {
    const { orderId, status, outcome, parked } = order;
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
    for (const { from, to } of halvesOf(order)) {
      const parked = parkingsOf(order, from, to);
      const quietMs = parked.reduce((sum, each) => sum - faults.quietBetween(each.from, each.to), faults.quietBetween(from, to));
      const wallMs = parked.reduce((sum, each) => sum - (each.to - each.from), to - from);
      counted.slowestQuietMs = Math.max(counted.slowestQuietMs, quietMs);
      counted.slowestMs = Math.max(counted.slowestMs, wallMs);
      const quietBound = bounds.sagaMs + patienceOf(order);
      const wallBound = bounds.sagaWallMs + patienceOf(order);
      if (quietMs > quietBound) {
        const what = `order ${orderId} took ${quietMs} ms without any fault to end (bound ${quietBound} ms)`;
        violations.add(what, [orderId], lookAt(orderId));
      } else if (wallMs > wallBound) {
        violations.add(`order ${orderId} took ${wallMs} ms to end (bound ${wallBound} ms)`, [orderId], lookAt(orderId));
      }
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
    checked: `${number(counted.orders)} orders have ended: ${number(counted.confirmed)} confirmed, ${number(counted.rejected)} rejected, ${number(counted.cancelled)} cancelled; ${number(counted.parked)} wait for an operator as they should; slowest ${number(counted.slowestQuietMs)} ms without a fault, ${number(counted.slowestMs)} ms in all`,
    counted,
    violations,
  };
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** When it was under way. A confirmed order that was cancelled later began its second half then. */
function halvesOf({ placedAt, cancelledAt, cancelledFrom, firstCompletedAt, completedAt }: OrderFacts): Span[] {
  const first = { from: placedAt ?? completedAt!, to: completedAt! };
  if (cancelledFrom !== 'confirmed' || cancelledAt === null) return [first];
  return [
    { ...first, to: Math.min(firstCompletedAt!, cancelledAt) },
    { from: cancelledAt, to: completedAt! },
  ];
}

/** What of this time it spent parked. */
function parkingsOf({ parkedTimes }: OrderFacts, from: number, to: number): Span[] {
  return parkedTimes.flatMap((parkedAt, index) => {
    if (index % 2 === 1) return [];
    const span = { from: Math.max(from, parkedAt), to: Math.min(to, parkedTimes[index + 1] ?? to) };
    return span.to > span.from ? [span] : [];
  });
}

function mayPark({ payment }: OrderFacts): boolean {
  if (payment === null) return false;
  const { down, rejects } = behaviourOf(payment.token);
  return down === true || rejects === true;
}

/** Longest pause before an outcome is asked after, or a step tried again. */
const LONGEST_BACKOFF_MS = 30_000;

/**
 * What the gateway itself takes for this payment, milliseconds: each of its four operations may be slow, and its failures may come when
 * deaths have made the pauses long already.
 */
function patienceOf({ payment }: OrderFacts): number {
  const { answerDelayMs = 0, workDelayMs = 0, failFirst = 0 } = behaviourOf(payment?.token ?? 'tok_ok');
  return 4 * (answerDelayMs + workDelayMs) + failFirst * LONGEST_BACKOFF_MS;
}

const lookAt = (orderId: string): string =>
  `SELECT * FROM tidemark.events WHERE stream_id IN ('order-${orderId}', 'fulfilment-${orderId}', 'payment-${orderId}') ORDER BY position`;
