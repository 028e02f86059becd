import type { Database } from './database.js';
import { number, Violations, type Finding } from './finding.js';
import type { BookedPayment, GatewayBook } from './gateway-book.js';

interface OrderMoney {
  readonly orderId: string;
  readonly status: 'OrderPlaced' | 'OrderConfirmed' | 'OrderRejected' | 'OrderCancelled' | null;
  readonly total: number | null;
  readonly currency: string | null;
  /** Our name for the payment; null when none was requested. */
  readonly reference: string | null;
  readonly amount: number | null;
  readonly paymentCurrency: string | null;
  readonly authorized: boolean;
  /** Why it was declined; null when it was not. */
  readonly declineCode: string | null;
  readonly voided: boolean;
  readonly captured: number;
  readonly refunded: number;
  /** An operator said, with evidence, what became of a step that the gateway could not be asked about. */
  readonly settledByHand: boolean;
}

/** Orders and payments folded from their events, joined by order. Ranges of stream ids: '-' is followed by '.' bytewise. */
const ORDER_MONEY = `
  SELECT
    coalesce(o.order_id, p.order_id) AS "orderId", o.status, o.total, o.currency, p.reference, p.amount, p.currency AS "paymentCurrency",
    coalesce(p.authorized, false) AS authorized, p.decline_code AS "declineCode", coalesce(p.voided, false) AS voided,
    coalesce(p.captured, 0) AS captured, coalesce(p.refunded, 0) AS refunded,
    r.order_id IS NOT NULL AS "settledByHand"
  FROM (
    SELECT substring(stream_id FROM 7) AS order_id,
      (array_agg(type ORDER BY version DESC))[1] AS status,
      max((data ->> 'total')::bigint) FILTER (WHERE type = 'OrderPlaced') AS total,
      max(data ->> 'currency') FILTER (WHERE type = 'OrderPlaced') AS currency
    FROM tidemark.events WHERE stream_id >= 'order-' AND stream_id < 'order.'
    GROUP BY stream_id
  ) AS o
  FULL JOIN (
    SELECT substring(stream_id FROM 9) AS order_id,
      max(data ->> 'reference') FILTER (WHERE type = 'PaymentRequested') AS reference,
      max((data ->> 'amount')::bigint) FILTER (WHERE type = 'PaymentRequested') AS amount,
      max(data ->> 'currency') FILTER (WHERE type = 'PaymentRequested') AS currency,
      bool_or(type = 'PaymentAuthorized') AS authorized,
      max(data ->> 'code') FILTER (WHERE type = 'PaymentDeclined') AS decline_code,
      bool_or(type = 'PaymentVoided') AS voided,
      coalesce(sum((data ->> 'amount')::bigint) FILTER (WHERE type = 'PaymentCaptured'), 0)::bigint AS captured,
      coalesce(sum((data ->> 'amount')::bigint) FILTER (WHERE type = 'PaymentRefunded'), 0)::bigint AS refunded
    FROM tidemark.events WHERE stream_id >= 'payment-' AND stream_id < 'payment.'
    GROUP BY stream_id
  ) AS p USING (order_id)
  LEFT JOIN (
    SELECT DISTINCT substring(stream_id FROM 12) AS order_id FROM tidemark.events
    WHERE stream_id >= 'fulfilment-' AND stream_id < 'fulfilment.' AND type = 'FulfilmentResolved'
  ) AS r USING (order_id)`;

/**
 * I7: what was captured and not refunded is exactly the total of the confirmed orders, order by order, so nothing is both charged and
 * cancelled or refused; and the gateway's own book says the same of every payment: status, amount, currency, none missing,
 * none too many. Orders that have not ended (a parked fulfilment) are counted and not judged; those whose payment an operator settled by
 * hand, with evidence, are counted and not compared with the gateway's book, which may know nothing of it.
 */
export async function checkMoney(database: Database, book: GatewayBook): Promise<Finding> {
  const violations = new Violations();
  const booked = new Map<string, BookedPayment>();
  for await (const payment of book.payments()) {
    if (booked.has(payment.reference)) violations.add(`payment ${payment.reference} is in the gateway's book twice`);
    booked.set(payment.reference, payment);
  }
  const payments = booked.size;
  const counts = { orders: 0, confirmed: 0, open: 0, settledByHand: 0, payments, netMinorUnits: 0, confirmedMinorUnits: 0 };
  for await (const orders of database.stream<OrderMoney>(ORDER_MONEY)) {
    for (const order of orders) {
      counts.orders += 1;
      counts.netMinorUnits += order.captured - order.refunded;
      if (order.status === 'OrderConfirmed') {
        counts.confirmed += 1;
        counts.confirmedMinorUnits += order.total ?? 0;
      }
      const found = order.reference === null ? undefined : booked.get(order.reference);
      if (order.reference !== null) booked.delete(order.reference);
      if (order.status === 'OrderPlaced') counts.open += 1;
      else {
        if (order.settledByHand) counts.settledByHand += 1;
        const problems = [...problemsOf(order), ...(order.settledByHand ? [] : disagreements(order, found))];
        for (const problem of problems) violations.add(`order ${order.orderId}: ${problem}`);
      }
    }
  }
  for (const { reference, status, amount, currency } of booked.values()) {
    violations.add(`payment ${reference} is in the gateway's book (${status}, ${amount} ${currency}) and in no event`);
  }
  const open = counts.open > 0 ? `; ${number(counts.open)} orders are still open and not judged` : '';
  const byHand = counts.settledByHand > 0 ? `; ${number(counts.settledByHand)} were settled by hand and not compared with it` : '';
  return {
    checked: `${number(counts.confirmed)} confirmed orders, ${number(counts.netMinorUnits)} minor units captured and kept; ${number(payments)} payments agree with the gateway's book${byHand}${open}`,
    counts,
    violations,
  };
}

function problemsOf({ status, total, currency, amount, paymentCurrency, captured, refunded }: OrderMoney): string[] {
  const kept = captured - refunded;
  if (status === null) return ['has a payment and was never placed'];
  if (status !== 'OrderConfirmed') {
    return kept === 0
      ? []
      : [`is ${status === 'OrderCancelled' ? 'cancelled' : 'rejected'}, but ${captured} was captured and ${refunded} refunded`];
  }
  const problems = kept === total ? [] : [`is confirmed over ${total}, but ${captured} was captured and ${refunded} refunded`];
  if (amount !== total || paymentCurrency !== currency)
    problems.push(`is of ${total} ${currency}, its payment of ${amount} ${paymentCurrency}`);
  return problems;
}

function disagreements(order: OrderMoney, found: BookedPayment | undefined): string[] {
  const expected = expectedStatuses(order);
  if (expected.length === 0) return [`has ended, and its payment is still ${order.authorized ? 'authorized' : 'requested'} by our events`];
  const told = expected.join(' or ');
  if (found === undefined) return expected.includes('none') ? [] : [`its payment is ${told} by our events and not in the gateway's book`];
  const problems = expected.includes(found.status)
    ? []
    : [`its payment is ${told} by our events and ${found.status} in the gateway's book`];
  if (found.amount !== order.amount || found.currency !== order.paymentCurrency) {
    problems.push(
      `its payment is of ${order.amount} ${order.paymentCurrency} and of ${found.amount} ${found.currency} in the gateway's book`,
    );
  }
  return problems;
}

/**
 * What the gateway may say of the payment of an order that has ended: `none` where it need not ever have heard of it, nothing at all
 * where our own events leave it open.
 */
function expectedStatuses({
  reference,
  authorized,
  declineCode,
  voided,
  captured,
  refunded,
}: OrderMoney): (BookedPayment['status'] | 'none')[] {
  if (reference === null) return ['none'];
  if (refunded > 0) return ['refunded'];
  if (captured > 0) return ['captured'];
  // Undone before anything was heard of it: there may have been nothing to undo.
  if (voided) return authorized ? ['voided'] : ['voided', 'declined', 'none'];
  // Abandoned: the gateway was asked, knew nothing of it, and nobody wanted it any more.
  if (declineCode !== null) return declineCode === 'abandoned' ? ['declined', 'none'] : ['declined'];
  return [];
}
