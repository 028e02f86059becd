import type { Fault, Kernel, SimulatedProcess } from '../kernel/kernel.js';

/** Of the orchestrator's client: what it sends, and what it takes for an answer. */
interface HttpRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: unknown;
  readonly body?: unknown;
  readonly signal?: unknown;
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

export interface GatewayPayment {
  status: 'authorized' | 'captured' | 'declined' | 'voided' | 'refunded';
  readonly amount: number;
  /** How often money was taken and given back. */
  captures: number;
  refunds: number;
}

type Change = 'capture' | 'void' | 'refund';

const REACHED_BY = {
  capture: { from: 'authorized', to: 'captured' },
  void: { from: 'authorized', to: 'voided' },
  refund: { from: 'captured', to: 'refunded' },
} as const;

const DECLINED: Answer = { status: 402, body: { code: 'card-declined', detail: 'no' } };
const NOT_FOUND: Answer = { status: 404, body: { code: 'payment-not-found' } };

/**
 * A payment gateway of the simulated world: what it did stays done, the same key gets the same answer, one payment a reference. On the
 * way to it and back everything may happen: requests that never arrive, arrive twice or after their caller gave up, answers that get lost.
 * What the token says decides what the bank says.
 */
export class MemoryGateway {
  readonly payments = new Map<string, GatewayPayment>();
  /** Requests that have left and not arrived. */
  onTheWay = 0;
  private readonly answers = new Map<string, Answer>();
  /** How likely each trouble is, while it lasts. */
  private trouble = true;
  private down = false;

  constructor(private readonly kernel: Kernel) {}

  /** What the running process uses as its HTTP. */
  http(): { request(options: HttpRequest): Promise<unknown>; close(): Promise<void> } {
    return { request: (options) => this.request(options), close: () => Promise.resolve() };
  }

  heal(): void {
    this.trouble = false;
    this.down = false;
  }

  get faults(): Fault[] {
    return [
      {
        name: 'gateway down',
        weight: 1,
        inject: () => {
          if (this.down) return undefined;
          this.down = true;
          const ms = this.kernel.random.below(20_000);
          this.kernel.schedule('gateway is up again', undefined, () => void (this.down = false), ms);
          return `for ${ms} ms`;
        },
      },
    ];
  }

  private request({ method = 'GET', path, headers, body, signal }: HttpRequest): Promise<unknown> {
    const { kernel } = this;
    const { random } = kernel;
    const caller = kernel.current;
    const label = `${method} ${path.replace(/[0-9a-f]{8}-[0-9a-f-]*/, (id) => id.slice(-3))}`;
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => reject(error);
      (signal as AbortSignal | undefined)?.addEventListener('abort', () => fail(new DOMException('timed out', 'TimeoutError')), {
        once: true,
      });
      if (this.down && random.chance(0.7)) {
        const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
        kernel.schedule(`gateway ${label} refused`, caller, () => fail(refused), random.below(20));
        return;
      }
      const key = (headers as Record<string, string> | undefined)?.['idempotency-key'];
      const arrive = (isCopy: boolean) => (): void => {
        this.onTheWay -= 1;
        const answer = this.serve(method, path, key, body as string | undefined);
        if (!isCopy) this.answerTo(caller, label, answer, { resolve, fail });
      };
      const isLost = this.trouble && random.chance(0.04);
      if (isLost) {
        kernel.schedule(`gateway ${label} lost`, caller, () => fail(new Error('other side closed')), random.below(300));
        return;
      }
      this.send(`gateway <- ${label}`, arrive(false));
      if (this.trouble && random.chance(0.04)) this.send(`gateway <- ${label} again`, arrive(true));
    });
  }

  private send(label: string, arrive: () => void): void {
    const { random } = this.kernel;
    this.onTheWay += 1;
    // Up to half a minute: long after the caller has given up.
    const delay = this.trouble && random.chance(0.06) ? random.below(30_000) : random.below(20);
    this.kernel.schedule(label, undefined, arrive, delay);
  }

  private answerTo(
    caller: SimulatedProcess | undefined,
    label: string,
    answer: Answer,
    { resolve, fail }: { resolve(response: unknown): void; fail(error: Error): void },
  ): void {
    const { random } = this.kernel;
    const draw = this.trouble ? random.below(100) : 99;
    if (draw < 5) {
      this.kernel.schedule(`gateway ${label} cut`, caller, () => fail(new Error('other side closed')));
      return;
    }
    const { status, body } = draw < 9 ? { status: 500, body: { code: 'internal' } } : answer;
    const response = { statusCode: status, body: { text: () => Promise.resolve(JSON.stringify(body)) } };
    this.kernel.schedule(
      `gateway ${label} ${status}`,
      caller,
      () => resolve(response),
      draw < 12 ? random.below(10_000) : random.below(20),
    );
  }

  private serve(method: string, path: string, key: string | undefined, body: string | undefined): Answer {
    if (this.down) return { status: 503, body: { code: 'unavailable' } };
    const [, , reference = '', operation] = path.split('/');
    if (method === 'GET') {
      const payment = this.payments.get(decodeURIComponent(reference));
      return payment === undefined ? NOT_FOUND : { status: 200, body: { id: `pay-${reference}`, status: payment.status } };
    }
    const known = this.answers.get(key as string);
    if (known !== undefined) return known;
    // Trouble before anything was done is not remembered.
    if (this.trouble && this.kernel.random.chance(0.04)) return { status: 500, body: { code: 'internal' } };
    const answer = operation === undefined ? this.authorize(JSON.parse(body as string)) : this.change(reference, operation as Change);
    this.answers.set(key as string, answer);
    return answer;
  }

  private authorize({ reference, amount, token }: { reference: string; amount: number; token: string }): Answer {
    if (token === 'tok_rejected') return { status: 422, body: { code: 'invalid-request', detail: 'no' } };
    const known = this.payments.get(reference);
    if (known !== undefined && known.status !== 'declined') return { status: 409, body: { code: 'reference-used' } };
    const status = token === 'tok_declined' ? 'declined' : 'authorized';
    this.payments.set(reference, { status, amount, captures: 0, refunds: 0 });
    return status === 'declined' ? DECLINED : { status: 201, body: { id: `pay-${reference}`, status } };
  }

  private change(reference: string, operation: Change): Answer {
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
