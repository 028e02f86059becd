import { createHash } from 'node:crypto';

/** What the gateway will do with an order's payment in the end; the way there may be rough. */
export type PaymentOutcome = 'accepted' | 'declined';

export interface SyntheticPayment {
  /** Token of the gateway simulator. */
  readonly token: string;
  readonly outcome: PaymentOutcome;
}

export const ACCEPTED_PAYMENT: SyntheticPayment = { token: 'tok_ok', outcome: 'accepted' };

/** Shares in thousandths of all invoices; the rest is {@link ACCEPTED_PAYMENT}. */
const KINDS: readonly { readonly perMille: number; readonly payment: SyntheticPayment }[] = [
  { perMille: 30, payment: { token: 'tok_declined', outcome: 'declined' } },
  { perMille: 10, payment: { token: 'tok_declined_insufficient-funds', outcome: 'declined' } },
  { perMille: 1, payment: { token: 'tok_noanswer_authorize', outcome: 'accepted' } },
  { perMille: 1, payment: { token: 'tok_noanswer_capture', outcome: 'accepted' } },
  { perMille: 1, payment: { token: 'tok_fail_2', outcome: 'accepted' } },
  { perMille: 1, payment: { token: 'tok_slow_800', outcome: 'accepted' } },
  { perMille: 1, payment: { token: 'tok_pass_then_fail_capture', outcome: 'declined' } },
];

export const SYNTHETIC_NOTE =
  'The file holds no payments. Each outcome is derived from a hash of the invoice number: about 4 % declined, about 0.5 % slow, failing or unanswered.';

/** A number below `range` that depends on the text alone. */
export function hashBelow(text: string, range: number): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0) % range;
}

export function syntheticPayment(invoice: string): SyntheticPayment {
  let share = hashBelow(`payment:${invoice}`, 1000);
  for (const { perMille, payment } of KINDS) {
    if (share < perMille) return payment;
    share -= perMille;
  }
  return ACCEPTED_PAYMENT;
}
