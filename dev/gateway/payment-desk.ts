import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { failpoints } from '#failpoints';
import { behaviourOf } from './behaviour.js';
import { transition, type Operation, type Payment, type Refusal } from './payment.js';
import type { Answer, BookEntry, DoneEntry, PaymentBook } from './payment-book.js';

export interface Sum {
  /** Minor units. */
  readonly amount: number;
  readonly currency: string;
}

export interface AuthorizationRequest extends Sum {
  readonly reference: string;
  readonly token: string;
}

/** How the HTTP side shall treat an answer: say it, or drop the connection without a word. */
export interface Reply extends Answer {
  readonly drop?: boolean;
}

interface Request {
  readonly operation: Operation;
  readonly reference: string;
  readonly key: string;
  readonly fingerprint: string;
  readonly token: string;
  decide(): { payment: Payment; changed: boolean; status: number } | { refusal: Refusal };
}

/**
 * Takes operations on payments and remembers what it answered.
 *
 * - The same idempotency key gets the same answer for ever; with another request it gets 422. A repeat that arrives while the first is
 *   still being worked on waits for that one's answer.
 * - One payment a reference: a second authorization under a reference that is not declined is refused with 409.
 * - Troubles asked for by the token (500, 503, dropped connections) are not remembered as answers; how often it failed is.
 */
export class PaymentDesk {
  private readonly payments = new Map<string, Payment>();
  private readonly answers = new Map<string, { fingerprint: string; answer: Answer }>();
  private readonly underway = new Map<string, { fingerprint: string; reply: Promise<Reply> }>();
  private readonly failures = new Map<string, number>();

  constructor(
    private readonly book: PaymentBook,
    entries: readonly BookEntry[],
    private readonly now: () => Date = () => new Date(),
  ) {
    for (const entry of entries) {
      if ('failedFor' in entry) this.countFailure(entry.failedFor, entry.operation);
      else this.remember(entry);
    }
  }

  authorize(key: string, request: AuthorizationRequest): Promise<Reply> {
    const { reference, amount, currency, token } = request;
    return this.once({
      operation: 'authorize',
      reference,
      key,
      token,
      fingerprint: fingerprintOf('authorize', reference, amount, currency, token),
      decide: () => {
        const known = this.payments.get(reference);
        if (known !== undefined && known.status !== 'declined') {
          return {
            refusal: { httpStatus: 409, code: 'reference-used', detail: `there is a payment under this reference: it is ${known.status}` },
          };
        }
        const { declineCode } = behaviourOf(token);
        const id = `pay_${fingerprintOf(reference, key).slice(0, 16)}`;
        const payment: Payment = { id, reference, amount, currency, token, status: declineCode === undefined ? 'authorized' : 'declined' };
        if (declineCode === undefined) return { payment, changed: true, status: 201 };
        this.payments.set(reference, payment);
        return { refusal: declined(declineCode) };
      },
    });
  }

  /**
   * undefined: there is no payment under this reference. Only a void needs none: it takes the reference out of use, so that an
   * authorization still on its way is refused when it arrives. `sum` is what such a payment would have been of.
   */
  change(operation: Exclude<Operation, 'authorize'>, key: string, reference: string, sum: Sum): Promise<Reply> | undefined {
    const token = this.payments.get(reference)?.token ?? (operation === 'void' ? '' : undefined);
    if (token === undefined) return undefined;
    return this.once({
      operation,
      reference,
      key,
      token,
      fingerprint: fingerprintOf(operation, reference),
      decide: () => {
        if (operation === 'capture' && behaviourOf(token).declineCapture) return { refusal: declined('capture-declined') };
        const known = this.payments.get(reference);
        if (known === undefined) {
          return {
            payment: { id: `pay_${fingerprintOf(reference, key).slice(0, 16)}`, reference, token, status: 'voided', ...sum },
            changed: true,
            status: 200,
          };
        }
        const result = transition(known, operation);
        return 'refusal' in result ? result : { ...result, status: 200 };
      },
    });
  }

  /** Only what is on disk is told. */
  async find(reference: string): Promise<Payment | undefined> {
    const payment = this.payments.get(reference);
    await this.book.settled();
    return payment;
  }

  async all(): Promise<Payment[]> {
    const payments = [...this.payments.values()];
    await this.book.settled();
    return payments;
  }

  private once(request: Request): Promise<Reply> {
    const earlier = this.answers.get(request.key) ?? this.underway.get(request.key);
    if (earlier !== undefined) {
      if (earlier.fingerprint !== request.fingerprint) {
        return Promise.resolve({ status: 422, body: { code: 'idempotency-key-reused', detail: 'this key was used for another request' } });
      }
      return 'answer' in earlier ? this.book.settled().then(() => earlier.answer) : earlier.reply;
    }
    const reply = this.work(request).finally(() => this.underway.delete(request.key));
    this.underway.set(request.key, { fingerprint: request.fingerprint, reply });
    return reply;
  }

  private async work(request: Request): Promise<Reply> {
    const { operation, reference, key, fingerprint } = request;
    const { down, rejects, failFirst = 0, workDelayMs = 0, answerDelayMs = 0, noAnswerTo } = behaviourOf(request.token);
    if (down) return { status: 503, body: { code: 'unavailable', detail: 'the gateway is down' } };
    if (rejects && operation === 'authorize') {
      return { status: 422, body: { code: 'invalid-request', detail: 'the gateway cannot make sense of this payment' } };
    }
    const failed = this.failures.get(`${reference} ${operation}`) ?? 0;
    if (failed < failFirst) {
      this.countFailure(reference, operation);
      this.book.append({ at: this.now().toISOString(), operation, payment: null, failedFor: reference });
      await this.book.settled();
      return { status: 500, body: { code: 'internal', detail: `failing on purpose, ${failed + 1} of ${failFirst}` } };
    }
    if (workDelayMs > 0) await delay(workDelayMs);
    const decision = request.decide();
    const entry: DoneEntry = {
      at: this.now().toISOString(),
      operation,
      idempotencyKey: key,
      fingerprint,
      payment: 'refusal' in decision ? (this.payments.get(reference) ?? null) : decision.payment,
      answer: 'refusal' in decision ? refusalAnswer(decision.refusal) : { status: decision.status, body: describe(decision.payment) },
    };
    this.remember(entry);
    this.book.append(entry);
    await this.book.settled();
    if (failpoints.armed) await failpoints.reach('gateway.charged');
    if (answerDelayMs > 0) await delay(answerDelayMs);
    return { ...entry.answer, drop: operation === noAnswerTo && !('refusal' in decision) && decision.changed };
  }

  private countFailure(reference: string, operation: Operation): void {
    const which = `${reference} ${operation}`;
    this.failures.set(which, (this.failures.get(which) ?? 0) + 1);
  }

  private remember(entry: DoneEntry): void {
    if (entry.payment !== null) this.payments.set(entry.payment.reference, entry.payment);
    this.answers.set(entry.idempotencyKey, { fingerprint: entry.fingerprint, answer: entry.answer });
  }
}

/** A payment as the API shows it: without the token. */
export function describe({ id, reference, status, amount, currency }: Payment): object {
  return { id, reference, status, amount, currency };
}

function declined(code: string): Refusal {
  return { httpStatus: 402, code, detail: `the card was declined (${code})` };
}

function refusalAnswer({ httpStatus, code, detail }: Refusal): Answer {
  return { status: httpStatus, body: { status: httpStatus === 402 ? 'declined' : 'refused', code, detail } };
}

function fingerprintOf(...parts: ReadonlyArray<string | number>): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
