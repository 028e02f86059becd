export interface GatewayAnswer {
  readonly status: number;
  readonly body: { readonly id?: string; readonly status?: string; readonly code?: string; readonly detail?: string };
}

export interface GatewayPayment {
  status: 'authorized' | 'captured' | 'declined' | 'voided' | 'refunded';
  readonly amount: number;
  /** How often money was taken and given back. */
  captures: number;
  refunds: number;
}

export interface PaymentRequest {
  readonly operation: 'authorize' | 'capture' | 'void' | 'refund';
  readonly reference: string;
  readonly amount: number;
  readonly token: string;
}

const REACHED_BY = {
  capture: { from: 'authorized', to: 'captured' },
  void: { from: 'authorized', to: 'voided' },
  refund: { from: 'captured', to: 'refunded' },
} as const;

const DECLINED: GatewayAnswer = { status: 402, body: { code: 'card-declined', detail: 'no' } };
const NOT_FOUND: GatewayAnswer = { status: 404, body: { code: 'payment-not-found' } };

/**
 * What a gateway did, and says it did: the same key gets the same answer, one payment a reference, and a void takes a reference out of use.
 * The token decides about the authorization; an odd amount is declined when it is to be captured.
 */
export class GatewayBook {
  readonly payments = new Map<string, GatewayPayment>();
  private readonly answers = new Map<string, GatewayAnswer>();
  /** By reference: what look-ups could be answered, oldest first. */
  private readonly history = new Map<string, GatewayAnswer[]>();

  /** @param back how many changes ago; a copy of the book may lag behind */
  lookUp(reference: string, back = 0): GatewayAnswer {
    return this.history.get(reference)?.at(-1 - back) ?? NOT_FOUND;
  }

  knows(key: string): boolean {
    return this.answers.has(key);
  }

  perform(key: string, request: PaymentRequest): GatewayAnswer {
    const known = this.answers.get(key);
    if (known !== undefined) return known;
    const answer = request.operation === 'authorize' ? this.authorize(request) : this.change(request.reference, request.operation);
    this.answers.set(key, answer);
    const { reference } = request;
    const payment = this.payments.get(reference);
    if (payment !== undefined) {
      const known = this.history.get(reference) ?? [];
      this.history.set(reference, [...known, { status: 200, body: { id: `pay-${reference}`, status: payment.status } }]);
    }
    return answer;
  }

  private authorize({ reference, amount, token }: PaymentRequest): GatewayAnswer {
    if (token === 'tok_rejected') return { status: 422, body: { code: 'invalid-request', detail: 'no' } };
    const known = this.payments.get(reference);
    if (known !== undefined && known.status !== 'declined') return { status: 409, body: { code: 'reference-used' } };
    const status = token === 'tok_declined' ? 'declined' : 'authorized';
    this.payments.set(reference, { status, amount, captures: 0, refunds: 0 });
    return status === 'declined' ? DECLINED : { status: 201, body: { id: `pay-${reference}`, status } };
  }

  private change(reference: string, operation: 'capture' | 'void' | 'refund'): GatewayAnswer {
    const payment = this.payments.get(reference);
    if (payment === undefined) {
      if (operation !== 'void') return NOT_FOUND;
      this.payments.set(reference, { status: 'voided', amount: 0, captures: 0, refunds: 0 });
      return { status: 200, body: { status: 'voided' } };
    }
    const { from, to } = REACHED_BY[operation];
    if (payment.status === to) return { status: 200, body: { id: `pay-${reference}`, status: to } };
    if (payment.status !== from) return { status: 409, body: { code: `already-${payment.status}` } };
    if (operation === 'capture' && payment.amount % 2 === 1) return DECLINED;
    payment.status = to;
    if (operation === 'capture') payment.captures += 1;
    if (operation === 'refund') payment.refunds += 1;
    return { status: 200, body: { id: `pay-${reference}`, status: to } };
  }
}
