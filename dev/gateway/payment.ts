export type PaymentStatus = 'authorized' | 'captured' | 'declined' | 'voided' | 'refunded';
export type Operation = 'authorize' | 'capture' | 'void' | 'refund';

export interface Payment {
  readonly id: string;
  /** The merchant's own name for it. */
  readonly reference: string;
  /** Minor units. */
  readonly amount: number;
  readonly currency: string;
  readonly token: string;
  readonly status: PaymentStatus;
}

export interface Refusal {
  readonly httpStatus: 402 | 409;
  readonly code: string;
  readonly detail: string;
}

/** `changed` false: the payment already was what the operation asks for. */
export type Transition = { readonly payment: Payment; readonly changed: boolean } | { readonly refusal: Refusal };

const REACHED_BY: Record<Exclude<Operation, 'authorize'>, { from: PaymentStatus; to: PaymentStatus }> = {
  capture: { from: 'authorized', to: 'captured' },
  void: { from: 'authorized', to: 'voided' },
  refund: { from: 'captured', to: 'refunded' },
};

/** What an operation makes of a payment. Repeating the operation that brought it where it is changes nothing and is no error. */
export function transition(payment: Payment, operation: Exclude<Operation, 'authorize'>): Transition {
  const { from, to } = REACHED_BY[operation];
  if (payment.status === to) return { payment, changed: false };
  if (payment.status !== from) {
    return {
      refusal: {
        httpStatus: 409,
        code: `already-${payment.status}`,
        detail: `a payment that is ${payment.status} cannot become ${to}`,
      },
    };
  }
  return { payment: { ...payment, status: to }, changed: true };
}
