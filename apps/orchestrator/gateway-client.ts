import type { GatewayPaymentStatus, PaymentOperation } from '#domain';
import { BrokenCircuitError } from 'cockatiel';
import { GatewayCircuit } from './gateway-circuit.js';
import { PooledGatewayHttp, type GatewayHttp, type GatewayRequest } from './gateway-http.js';

export interface PaymentOrder {
  /** Our own name for the payment; also what it is looked up by. */
  readonly reference: string;
  /** Minor units. */
  readonly amount: number;
  readonly currency: string;
  readonly paymentToken: string;
}

export type GatewayOutcome =
  | { readonly kind: 'done'; readonly gatewayId: string | null }
  | { readonly kind: 'declined'; readonly code: string; readonly detail: string }
  /** Understood and refused for good, and not by the customer's bank: the request itself is at fault. */
  | { readonly kind: 'rejected'; readonly code: string; readonly detail: string }
  /** Sent, perhaps, and no usable answer: it may have been done. */
  | { readonly kind: 'unknown'; readonly detail: string }
  /** Certainly never left this process. */
  | { readonly kind: 'not-sent'; readonly detail: string };

export type LookUpOutcome =
  | { readonly kind: 'found'; readonly payment: GatewayPaymentStatus; readonly gatewayId: string | null }
  | { readonly kind: 'unknown'; readonly detail: string }
  | { readonly kind: 'not-sent'; readonly detail: string };

interface GatewayAnswer {
  readonly status: number;
  readonly body: { id?: string; status?: string; code?: string; detail?: string };
}

/**
 * The gateway is in trouble, or we are with it: 5xx, 429 and time-outs leave open whether it acted; 401 and 403 mean that it knows us no
 * longer, which no order is to pay for.
 */
class GatewayTrouble extends Error {}

const isTrouble = (status: number): boolean => status >= 500 || [401, 403, 408, 425, 429].includes(status);

const PAYMENT_STATUSES: readonly GatewayPaymentStatus[] = ['authorized', 'captured', 'declined', 'voided', 'refunded'];

/**
 * The payment gateway's HTTP API.
 * - Each operation of a payment has one idempotency key for ever, so a repeat inside the gateway's window cannot act twice.
 * - Ten failures in a row open the circuit: calls then end at once as `not-sent` until a trial call gets through.
 */
export class GatewayClient {
  private readonly http: GatewayHttp;
  private readonly circuit: GatewayCircuit;
  private readonly timeoutMs: number;

  constructor(options: {
    url: string;
    timeoutMs: number;
    concurrency: number;
    onCircuit?: (state: 'open' | 'closed') => void;
    /** Default: a pool of connections to the url. */
    http?: GatewayHttp;
  }) {
    this.timeoutMs = options.timeoutMs;
    const { url, concurrency: connections, timeoutMs } = options;
    this.http = options.http ?? new PooledGatewayHttp({ url, connections, timeoutMs });
    this.circuit = new GatewayCircuit(options.onCircuit);
  }

  async send(operation: PaymentOperation, payment: PaymentOrder): Promise<GatewayOutcome> {
    const { reference, amount, currency, paymentToken } = payment;
    const isNew = operation === 'authorize';
    const answer = await this.call({
      method: 'POST',
      path: isNew ? '/payments' : `/payments/${encodeURIComponent(reference)}/${operation}`,
      headers: { 'content-type': 'application/json', 'idempotency-key': `${reference}:${operation}` },
      body: JSON.stringify(isNew ? { reference, amount, currency, token: paymentToken } : { amount, currency }),
    });
    if ('kind' in answer) return answer;
    const { status, body } = answer;
    if (status < 300) return { kind: 'done', gatewayId: body.id ?? null };
    // A conflict means the books differ from what we believe: asking by reference tells what really is.
    if (status === 409) return { kind: 'unknown', detail: `gateway answered 409 ${body.code ?? ''}`.trim() };
    const reason = { code: body.code ?? `gateway-${status}`, detail: body.detail ?? `gateway answered ${status}` };
    return { kind: status === 402 ? 'declined' : 'rejected', ...reason };
  }

  async lookUp(reference: string): Promise<LookUpOutcome> {
    const answer = await this.call({ method: 'GET', path: `/payments/${encodeURIComponent(reference)}` });
    if ('kind' in answer) return answer;
    if (answer.status === 404) return { kind: 'found', payment: 'none', gatewayId: null };
    const payment = PAYMENT_STATUSES.find((known) => known === answer.body.status);
    return answer.status === 200 && payment !== undefined
      ? { kind: 'found', payment, gatewayId: answer.body.id ?? null }
      : { kind: 'unknown', detail: `look-up answered ${answer.status} with status ${JSON.stringify(answer.body.status)}` };
  }

  async close(): Promise<void> {
    await this.http.close();
  }

  private async call(request: GatewayRequest): Promise<GatewayAnswer | { kind: 'unknown' | 'not-sent'; detail: string }> {
    try {
      return await this.circuit.execute(() => this.exchange(request));
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      const code = (error as { code?: string }).code ?? '';
      const neverLeft = error instanceof BrokenCircuitError || code === 'ECONNREFUSED' || code === 'UND_ERR_CONNECT_TIMEOUT';
      return { kind: neverLeft ? 'not-sent' : 'unknown', detail };
    }
  }

  private async exchange(request: GatewayRequest): Promise<GatewayAnswer> {
    const { status, text } = await this.http.exchange(request, this.timeoutMs);
    if (isTrouble(status)) throw new GatewayTrouble(`gateway answered ${status}`);
    return { status, body: JSON.parse(text) as GatewayAnswer['body'] };
  }
}
