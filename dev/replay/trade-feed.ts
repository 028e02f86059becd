import { setTimeout as delay } from 'node:timers/promises';
import { runBounded } from './bounded.js';
import type { FoundOrWrittenOff, SaleOrder } from './invoice-mapping.js';
import { countUp, type Ledger, type Refusal, type SentOrder } from './ledger.js';
import { problemCode, type HttpAnswer, type PatientHttp } from './patient-http.js';
import type { Scenario } from './scenario.js';
import type { Trade } from './trade.js';

export interface TradeFeedOptions {
  readonly commands: PatientHttp;
  readonly scenario: Scenario;
  readonly ledger: Ledger;
  /** Requests on their way at once. */
  readonly concurrency: number;
  /** How long a cancellation waits for its order's end. Default 120,000 ms. */
  readonly endWithinMs?: number;
  /** Called whenever an order has been answered. */
  readonly onOrder?: () => void;
}

const ACTOR = { 'x-actor': 'replay' };
const LOOK_AGAIN_MS = 250;

/** What is to be done, with the answer an order's later cancellation waits for. */
type Job =
  | Exclude<Trade, { kind: 'refused' | 'skipped' | 'unmatched' | 'order' }>
  | { kind: 'order'; order: SaleOrder; sent: SentOrder; settle: () => void };

/**
 * Sends trade to command-api. Keys are the file's own invoice numbers, so that the same request is the same command in every run,
 * in two runs at once, and after a lost answer.
 */
export class TradeFeed {
  /** Cancellations waiting for their order's end; they must not hold up the lanes. */
  private readonly waiting = new Set<Promise<void>>();

  constructor(private readonly options: TradeFeedOptions) {}

  /** @param at the instant the goods count as received, ISO 8601 */
  async openStock(quantities: ReadonlyMap<string, number>, at: string, onReceipt: () => void): Promise<void> {
    const { scenario, ledger, concurrency } = this.options;
    const opening = [...quantities].filter(([sku]) => !scenario.isShort(sku));
    await runBounded(toAsync(opening), concurrency, async ([sku, quantity]) => {
      const body = { quantity, reference: 'opening stock', receivedAt: at };
      const answer = await this.post(
        `/stock/${encodeURIComponent(sku)}/receipts`,
        `opening-${at.slice(0, 10)}-${encodeURIComponent(sku)}-${quantity}`,
        body,
      );
      if (answer.status < 300) ledger.receipts += 1;
      else ledger.refusedRequests.push(refusalOf(`opening ${sku}`, answer));
      onReceipt();
    });
  }

  async run(trades: AsyncIterable<Trade>): Promise<void> {
    await runBounded(this.jobs(trades), this.options.concurrency, (job) => this.do(job));
    await Promise.all(this.waiting);
  }

  private async *jobs(trades: AsyncIterable<Trade>): AsyncGenerator<Job> {
    const { ledger, scenario } = this.options;
    for await (const trade of trades) {
      switch (trade.kind) {
        case 'refused':
          ledger.refusedRows.push(...trade.rows);
          break;
        case 'skipped':
          for (const code of trade.codes) countUp(ledger.skippedRows, code);
          break;
        case 'unmatched':
          countUp(ledger.unmatchedReversals, trade.why);
          break;
        case 'stock':
          if (scenario.takes('stock', trade.change)) yield trade;
          else ledger.stockChangesLeftOut += 1;
          break;
        case 'cancel':
          if (scenario.takes('cancel')) yield trade;
          break;
        case 'order': {
          let settle = (): void => undefined;
          const answered = new Promise<void>((resolve) => (settle = resolve));
          const sent: SentOrder = { orderId: null, expected: scenario.endOf(trade.order), answered };
          // Entered before it is handed out: the cancellation that may come next finds it.
          ledger.orders.set(trade.order.invoice, sent);
          yield { kind: 'order', order: trade.order, sent, settle };
        }
      }
    }
  }

  private async do(job: Job): Promise<void> {
    switch (job.kind) {
      case 'order':
        await this.place(job.order, job.sent).finally(job.settle);
        this.options.onOrder?.();
        return;
      case 'stock':
        return this.changeStock(job.change);
      case 'cancel':
        return this.cancel(job.invoice, job.cancels, job.at);
    }
  }

  private async place(order: SaleOrder, sent: SentOrder): Promise<void> {
    const answer = await this.post('/orders', order.invoice, {
      reference: order.invoice,
      customer: { id: order.customerId, ...(order.country === null ? {} : { country: order.country }) },
      currency: 'GBP',
      lines: order.lines.map(({ description, ...line }) => (description === null ? line : { ...line, description })),
      paymentToken: this.options.scenario.payment(order.invoice).token,
      placedAt: order.placedAt,
    });
    const { orderId } = (answer.body ?? {}) as { orderId?: unknown };
    if (answer.status === 201 && typeof orderId === 'string') sent.orderId = orderId;
    else this.options.ledger.refusedRequests.push(refusalOf(order.invoice, answer));
  }

  private async changeStock({ key, sku, delta, reason, at }: FoundOrWrittenOff): Promise<void> {
    const { ledger } = this.options;
    const answer = await this.post(`/stock/${encodeURIComponent(sku)}/adjustments`, key, { delta, reason, adjustedAt: at });
    if (answer.status < 300) ledger.stockChanges += 1;
    else ledger.refusedRequests.push(refusalOf(key, answer));
  }

  private async cancel(invoice: string, cancels: string, at: string): Promise<void> {
    const sent = this.options.ledger.orders.get(cancels)!;
    await sent.answered;
    if (sent.orderId === null) return;
    if (!this.options.scenario.cancelsAfterEnd(cancels, sent.expected)) return this.sendCancel(invoice, sent, at);
    const later = this.whenEnded(sent.orderId).then(() => this.sendCancel(invoice, sent, at));
    this.waiting.add(later);
    // run() awaits it and throws; this only keeps a failure until then from being called unhandled.
    later.catch(() => undefined);
  }

  private async sendCancel(invoice: string, sent: SentOrder, at: string): Promise<void> {
    const { ledger } = this.options;
    const answer = await this.post(`/orders/${sent.orderId}/cancel`, invoice, {
      reason: `reversed by invoice ${invoice}`,
      cancelledAt: at,
    });
    if (answer.status < 300) {
      ledger.cancellations += 1;
      sent.expected = 'cancelled';
    } else if (answer.status === 409 && sent.expected === 'rejected') {
      ledger.cancelsTooLate.push(refusalOf(invoice, answer));
    } else {
      ledger.refusedRequests.push(refusalOf(invoice, answer));
    }
  }

  private async whenEnded(orderId: string): Promise<void> {
    const deadline = Date.now() + (this.options.endWithinMs ?? 120_000);
    while (Date.now() < deadline) {
      const { status, body } = await this.options.commands.get(`/orders/${orderId}`);
      if (status === 200 && (body as { status?: unknown }).status !== 'placed') return;
      await delay(LOOK_AGAIN_MS);
    }
    // Cancelled while it still stands as placed: the check of every order's end will tell what became of it.
  }

  private async post(path: string, key: string, body: object): Promise<HttpAnswer> {
    const answer = await this.options.commands.post(path, key, body, ACTOR);
    if (answer.headers['idempotency-replayed'] === 'true') this.options.ledger.repeatedAnswers += 1;
    return answer;
  }
}

function refusalOf(invoice: string, answer: HttpAnswer): Refusal {
  const { detail } = (answer.body ?? {}) as { detail?: unknown };
  return { invoice, status: answer.status, code: problemCode(answer) ?? 'none', detail: typeof detail === 'string' ? detail : '' };
}

async function* toAsync<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}
