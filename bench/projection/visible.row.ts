import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, fetch } from 'undici';
import type { BenchStack } from '../harness/bench-stack.js';
import { latencyOf } from '../harness/contender.js';
import { resultOf } from '../harness/rounds.js';
import { atMost, type BenchRow } from '../harness/row.js';

const PER_SECOND = 100;
const SKUS = 200;
const WAIT_MS = 10_000;

/** From sending an order until query-api shows it confirmed, through every process there is. */
export const visibleRow: BenchRow = {
  name: 'visible',
  measures: 'POST → visible as confirmed in query-api',
  quick: false,
  run: async (context) => {
    const stack = await context.stack();
    const agent = new Agent({ connections: 256 });
    const customer = new Customer(stack, agent);
    await customer.stockUp();
    await customer.orders(3);
    const { latency, perSecond } = await customer.orders(context.quick ? 5 : 25);
    await agent.close();
    await stack.verify();
    const { p50, p99 } = latency;
    return [
      {
        what: `${PER_SECOND} orders/s of 2 lines, the whole stack`,
        unit: 'orders',
        results: [resultOf('Tidemark', [{ perSecond, latency }])],
        goals: [atMost(p50, 60, 'ms p50'), atMost(p99, 250, 'ms p99')],
        notes: [
          'sent at a steady pace, whatever is answered; then GET /orders/{id}?consistentWith=order-{id}@2, which waits for the version that tells the outcome',
          'reserve, authorize, capture, confirm; the payment gateway answers at once; all invariants verified afterwards',
        ],
      },
    ];
  },
};

class Customer {
  private readonly skus = Array.from({ length: SKUS }, (_, n) => `SEEN-${n}`);
  private sent = 0;

  constructor(
    private readonly stack: BenchStack,
    private readonly agent: Agent,
  ) {}

  async stockUp(): Promise<void> {
    for (const sku of this.skus) await this.post(`/stock/${sku}/receipts`, { quantity: 1_000_000 });
  }

  /** Orders at a steady pace for so many seconds; times from when each was due, so that a stack that falls behind shows. */
  async orders(seconds: number): Promise<{ latency: { p50: number; p99: number }; perSecond: number }> {
    const times: number[] = [];
    const under: Promise<void>[] = [];
    const startedAt = performance.now();
    for (let n = 0; n < seconds * PER_SECOND; n += 1) {
      const dueAt = startedAt + (n * 1_000) / PER_SECOND;
      if (dueAt > performance.now()) await sleep(dueAt - performance.now());
      under.push(this.order().then(() => void times.push(performance.now() - dueAt)));
    }
    await Promise.all(under);
    return { perSecond: times.length / ((performance.now() - startedAt) / 1_000), latency: latencyOf(times) };
  }

  private async order(): Promise<void> {
    this.sent += 1;
    const line = (step: number) => ({ sku: this.skus[(this.sent * step) % SKUS], description: 'Seen', quantity: 1, unitPrice: 255 });
    const customer = { id: `customer-${this.sent % 500}`, name: 'Ada Example', country: 'United Kingdom' };
    const body = { customer, currency: 'GBP', lines: [line(7), line(11)], paymentToken: 'tok_ok' };
    const { orderId } = (await this.post('/orders', body)) as { orderId: string };
    const url = `${this.stack.urls.queryApi}/orders/${orderId}?consistentWith=order-${orderId}@2&waitMs=${WAIT_MS}`;
    const response = await fetch(url, { dispatcher: this.agent });
    const order = (await response.json()) as { status: string };
    if (response.status !== 200 || order.status !== 'confirmed')
      throw new Error(`order ${orderId}: ${response.status} ${JSON.stringify(order)}`);
  }

  private async post(path: string, body: object): Promise<unknown> {
    const response = await fetch(`${this.stack.urls.commandApi}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
      body: JSON.stringify(body),
      dispatcher: this.agent,
    });
    if (response.status !== 201) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`);
    return await response.json();
  }
}
