import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { Agent, request } from 'undici';
import type { BenchStack } from '../harness/bench-stack.js';
import { latencyOf } from '../harness/contender.js';
import { resultOf, spreadOf } from '../harness/rounds.js';
import { atMost, told, type BenchRow } from '../harness/row.js';
import { StackUsage } from '../whole/stack-usage.js';

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
    const usage = new StackUsage(stack.config.stateDir);
    const before = process.cpuUsage();
    const startedAt = now();
    const seen = await customer.orders(context.quick ? 5 : 25);
    const { user, system } = process.cpuUsage(before);
    const ownPercent = (user + system) / 10 / (now() - startedAt);
    const used = usage.since();
    await agent.close();
    const spent = await spentOn(stack.databaseUrl, seen);
    await stack.verify();
    const latency = latencyOf(seen.map(({ dueAt, seenAt }) => seenAt - dueAt));
    const lasted = Math.max(...seen.map(({ seenAt }) => seenAt)) - Math.min(...seen.map(({ dueAt }) => dueAt));
    const perSecond = seen.length / (lasted / 1_000);
    const { p50, p99 } = latency;
    return [
      {
        what: `${PER_SECOND} orders/s of 2 lines, the whole stack`,
        unit: 'orders',
        results: [resultOf('Tidemark', [{ perSecond, latency }])],
        goals: [atMost(p50, 60, 'ms p50'), atMost(p99, 250, 'ms p99')],
        notes: [
          spent,
          `CPU of one core: ${used.map(({ name, cpuPercent }) => `${name} ${cpuPercent.toFixed(0)} %`).join(', ')}, the customers ${ownPercent.toFixed(0)} %`,
          'sent at a steady pace, whatever is answered; then GET /orders/{id}?consistentWith=order-{id}@2, which waits for the version that tells the outcome',
          'reserve, authorize, capture, confirm; the payment gateway answers at once; all invariants verified afterwards',
        ],
      },
    ];
  },
};

/** An order as its customer saw it; times by the wall clock, which the store goes by as well, milliseconds. */
interface Seen {
  readonly orderId: string;
  readonly dueAt: number;
  /** With 201. */
  readonly answeredAt: number;
  /** As confirmed. */
  readonly seenAt: number;
}

const now = (): number => performance.timeOrigin + performance.now();

const epoch = (event: string): string => `(extract(epoch FROM ${event}.recorded_at) * 1000)::float8`;

/** Where the time goes, from what the store recorded: medians of each stretch of the way. */
async function spentOn(databaseUrl: string, seen: readonly Seen[]): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ order_id: string; placed: number; begun: number; confirmed: number }>(
    `SELECT substr(p.stream_id, 7) AS order_id, ${epoch('p')} AS placed, ${epoch('s')} AS begun, ${epoch('c')} AS confirmed
     FROM tidemark.events p
     JOIN tidemark.events c ON c.stream_id = p.stream_id AND c.version = 2
     JOIN tidemark.events s ON s.stream_id = 'fulfilment-' || substr(p.stream_id, 7) AND s.version = 1
     WHERE p.type = 'OrderPlaced'`,
  );
  await client.end();
  const recorded = new Map(rows.map((row) => [row.order_id, row]));
  const median = (stretch: (order: Seen, row: (typeof rows)[number]) => number): string =>
    told(spreadOf(seen.map((order) => stretch(order, recorded.get(order.orderId)!))).median);
  return [
    `medians: durable ${median(({ dueAt }, { placed }) => placed - dueAt)} ms after it was due`,
    `saga begun ${median((_, { placed, begun }) => begun - placed)} ms later (relay, Kafka, orchestrator)`,
    `confirmed ${median((_, { begun, confirmed }) => confirmed - begun)} ms later`,
    `seen ${median(({ seenAt }, { confirmed }) => seenAt - confirmed)} ms later (relay, Kafka, projector, query)`,
  ].join(', ');
}

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

  /** Orders at a steady pace for so many seconds; due when the pace says so, so that a stack that falls behind shows. */
  async orders(seconds: number): Promise<Seen[]> {
    const under: Promise<Seen>[] = [];
    const startedAt = now();
    for (let n = 0; n < seconds * PER_SECOND; n += 1) {
      const dueAt = startedAt + (n * 1_000) / PER_SECOND;
      if (dueAt > now()) await sleep(dueAt - now());
      under.push(this.order(dueAt));
    }
    return await Promise.all(under);
  }

  private async order(dueAt: number): Promise<Seen> {
    this.sent += 1;
    const line = (step: number) => ({ sku: this.skus[(this.sent * step) % SKUS], description: 'Seen', quantity: 1, unitPrice: 255 });
    const customer = { id: `customer-${this.sent % 500}`, name: 'Ada Example', country: 'United Kingdom' };
    const body = { customer, currency: 'GBP', lines: [line(7), line(11)], paymentToken: 'tok_ok' };
    const { orderId } = (await this.post('/orders', body)) as { orderId: string };
    const answeredAt = now();
    const url = `${this.stack.urls.queryApi}/orders/${orderId}?consistentWith=order-${orderId}@2&waitMs=${WAIT_MS}`;
    const { statusCode, body: answer } = await request(url, { dispatcher: this.agent });
    const order = (await answer.json()) as { status: string };
    if (statusCode !== 200 || order.status !== 'confirmed') throw new Error(`order ${orderId}: ${statusCode} ${JSON.stringify(order)}`);
    return { orderId, dueAt, answeredAt, seenAt: now() };
  }

  private async post(path: string, body: object): Promise<unknown> {
    // Not fetch: this process shares the cores with all it measures.
    const { statusCode, body: answer } = await request(`${this.stack.urls.commandApi}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID() },
      body: JSON.stringify(body),
      dispatcher: this.agent,
    });
    if (statusCode !== 201) throw new Error(`POST ${path}: ${statusCode} ${await answer.text()}`);
    return await answer.json();
  }
}
