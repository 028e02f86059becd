import type { GatewayHttp, GatewayRequest, GatewayResponse } from '../../../apps/orchestrator/gateway-http.js';
import type { Fault, Kernel, SimulatedProcess } from '../kernel/kernel.js';
import { GatewayBook, type GatewayAnswer, type PaymentRequest } from './gateway-book.js';

/**
 * A payment gateway of the simulated world. What it did stays done (see its book); on the way to it and back everything may happen:
 * requests that never arrive, arrive twice or after their caller gave up, answers that get lost, look-ups in a copy that lags behind.
 */
export class MemoryGateway {
  readonly book = new GatewayBook();
  /** Requests that have left and not arrived. */
  onTheWay = 0;
  /** How likely each trouble is, while it lasts. */
  private trouble = true;
  private down = false;

  constructor(private readonly kernel: Kernel) {}

  /** What the running process uses as its HTTP. */
  http(): GatewayHttp {
    return { exchange: (request, timeoutMs) => this.exchange(request, timeoutMs), close: () => Promise.resolve() };
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

  private exchange({ method, path, headers, body }: GatewayRequest, timeoutMs: number): Promise<GatewayResponse> {
    const { kernel } = this;
    const { random } = kernel;
    const caller = kernel.current;
    const label = `${method} ${path.replace(/[0-9a-f]{8}-[0-9a-f-]*/, (id) => id.slice(-3))}`;
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => reject(error);
      setTimeout(() => fail(new Error('timed out')), timeoutMs);
      if (this.down && random.chance(0.7)) {
        const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
        kernel.schedule(`gateway ${label} refused`, caller, () => fail(refused), random.below(20));
        return;
      }
      const key = headers?.['idempotency-key'];
      const arrive = (isCopy: boolean) => (): void => {
        this.onTheWay -= 1;
        const answer = this.serve(method, path, key, body);
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
    answer: GatewayAnswer,
    { resolve, fail }: { resolve(response: GatewayResponse): void; fail(error: Error): void },
  ): void {
    const { random } = this.kernel;
    const draw = this.trouble ? random.below(100) : 99;
    if (draw < 5) {
      this.kernel.schedule(`gateway ${label} cut`, caller, () => fail(new Error('other side closed')));
      return;
    }
    const { status, body } = draw < 9 ? { status: 500, body: { code: 'internal' } } : answer;
    const response = { status, text: JSON.stringify(body) };
    this.kernel.schedule(
      `gateway ${label} ${status}`,
      caller,
      () => resolve(response),
      draw < 12 ? random.below(10_000) : random.below(20),
    );
  }

  private serve(method: string, path: string, key = '', body = '{}'): GatewayAnswer {
    if (this.down) return { status: 503, body: { code: 'unavailable' } };
    const [, , reference = '', operation = 'authorize'] = path.split('/');
    if (method === 'GET')
      return this.book.lookUp(reference, this.trouble && this.kernel.random.chance(0.15) ? 1 + this.kernel.random.below(2) : 0);
    // Trouble before anything was done is not remembered.
    if (this.trouble && !this.book.knows(key) && this.kernel.random.chance(0.04)) return { status: 500, body: { code: 'internal' } };
    const sent = JSON.parse(body) as { reference?: string; amount: number; token?: string };
    const { amount, token = '' } = sent;
    const request = { operation: operation as PaymentRequest['operation'], reference: sent.reference ?? reference, amount, token };
    return this.book.perform(key, request);
  }
}
