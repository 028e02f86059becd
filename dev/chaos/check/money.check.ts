import { behaviourOf } from '../../gateway/behaviour.js';
import type { CommandStory } from './command-story.js';
import type { PaymentInBook } from './gateway-book-file.js';
import type { OrderFacts } from './store-facts.js';
import { number, Violations, type Judgement } from './violations.js';

export interface MoneyInputs {
  /** Orders whose placing was accepted, by order id, from the history. */
  readonly accepted: ReadonlyMap<string, CommandStory>;
  readonly orders: Iterable<OrderFacts>;
  /** The gateway's own book, by our reference. */
  readonly book: ReadonlyMap<string, PaymentInBook>;
}

/** What may be in the book for an order that ended so; `none`: it is not there at all. */
const KEEPS_NOTHING = new Set(['none', 'declined', 'voided', 'refunded']);

/**
 * I7 as the client and the gateway see it: of every order the client placed, the gateway holds exactly the client's own total when it is
 * confirmed and nothing when it is not; each payment became each status once; nobody was charged for an order that is not there; a
 * card that is declined paid for nothing.
 */
export function checkMoney({ accepted, orders, book }: MoneyInputs): Judgement {
  const violations = new Violations();
  const counted = { orders: 0, payments: book.size, open: 0, keptMinorUnits: 0, confirmedMinorUnits: 0 };
  const unclaimed = new Set(book.keys());
  for (const order of orders) {
    counted.orders += 1;
    const { orderId, payment } = order;
    const story = accepted.get(orderId);
    const booked = payment === null ? undefined : book.get(payment.reference);
    if (payment !== null) unclaimed.delete(payment.reference);
    const report = (what: string): void =>
      violations.add(
        `order ${orderId} ${what}`,
        [orderId, ...(payment === null ? [] : [payment.reference])],
        story?.where ?? 'tidemark.events',
      );

    if (booked !== undefined) {
      for (const [status, times] of Object.entries(booked.became)) if (times > 1) report(`was ${status} ${times} times at the gateway`);
      if (booked.status === 'captured') counted.keptMinorUnits += booked.amount;
    }
    if (order.parked || order.status === 'OrderPlaced') {
      counted.open += 1;
      continue;
    }
    const status = booked?.status ?? 'none';
    if (order.status === 'OrderConfirmed') {
      const { total, currency } = askedOf(story) ?? { total: payment?.amount, currency: payment?.currency };
      counted.confirmedMinorUnits += total ?? 0;
      if (status !== 'captured') report(`is confirmed, and its payment is ${status} at the gateway`);
      else if (booked!.amount !== total || booked!.currency !== currency) {
        report(`is of ${total} ${currency} by the client's own sum, and the gateway took ${booked!.amount} ${booked!.currency}`);
      }
    } else if (!KEEPS_NOTHING.has(status)) {
      report(`is ${String(order.status)}, and its payment is ${status} at the gateway`);
    }
    const token = askedOf(story)?.paymentToken;
    if (booked !== undefined && token !== undefined && booked.became.captured !== undefined && paysNothing(token)) {
      report(`was paid by ${token}, which pays for nothing`);
    }
    // A void of what never arrived leaves an entry that knows no token.
    if (booked !== undefined && token !== undefined && booked.token !== token && booked.token !== '')
      report(`was to be paid by ${token}, the gateway was given ${booked.token}`);
  }
  for (const reference of unclaimed) {
    const { status, amount, currency } = book.get(reference)!;
    violations.add(`payment ${reference} (${status}, ${amount} ${currency}) is of no order`, [reference], 'the gateway’s book');
  }
  return {
    checked: `${number(counted.orders)} orders by the client's own sums: ${number(counted.confirmedMinorUnits)} minor units confirmed, ${number(counted.keptMinorUnits)} kept by the gateway in ${number(counted.payments)} payments`,
    counted,
    violations,
  };
}

function askedOf(story: CommandStory | undefined) {
  return story?.asked.intent === 'place-order' ? story.asked : undefined;
}

function paysNothing(token: string): boolean {
  const { declineCode, declineCapture, rejects, down } = behaviourOf(token);
  return declineCode !== undefined || declineCapture === true || rejects === true || down === true;
}
