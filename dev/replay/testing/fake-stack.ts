import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { OrderStatus } from '../query-side.js';

interface FakeLine {
  readonly sku: string;
  readonly quantity: number;
  readonly unitPrice: number;
}

export interface FakeOrder {
  readonly orderId: string;
  readonly reference: string;
  readonly customerId: string;
  readonly placedAt: string;
  readonly lines: FakeLine[];
  readonly token: string;
  status: OrderStatus;
  refusalCode: string | null;
}

/** What a fault does to a request: a status instead of an answer, or the connection cut before or after the work. */
export type Fault = { readonly status: number; readonly retryAfter?: string } | 'cut-before' | 'cut-after';

/**
 * Command-api and query-api in one process and in memory, as far as a replay speaks to them: every key has one effect and one answer,
 * an order ends at once. `faults` are spent one a request, in order.
 */
export class FakeStack {
  readonly faults: Fault[] = [];
  readonly orders = new Map<string, FakeOrder>();
  readonly onHand = new Map<string, number>();
  readonly answers = new Map<string, { readonly fingerprint: string; readonly status: number; readonly body: string }>();
  /** Effects, not requests. */
  effects = 0;
  requests = 0;
  url = '';
  private server: Server | undefined;

  async start(port = 0): Promise<this> {
    this.server = createServer((request, response) => void this.answer(request, response));
    await new Promise<void>((resolve) => this.server!.listen(port, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => this.server?.close(resolve));
  }

  ordersWhere(matches: (order: FakeOrder) => boolean): FakeOrder[] {
    return [...this.orders.values()].filter(matches);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    this.requests += 1;
    const fault = this.faults.shift();
    if (fault === 'cut-before') return void request.socket.destroy();
    if (typeof fault === 'object') {
      return void response
        .writeHead(fault.status, fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter })
        .end('{"code":"fault"}');
    }
    const url = new URL(request.url!, this.url);
    if (request.method === 'GET') {
      const body = this.read(url);
      return void response
        .writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' })
        .end(JSON.stringify(body ?? {}));
    }
    const key = String(request.headers['idempotency-key']);
    const fingerprint = `${url.pathname} ${text}`;
    const before = this.answers.get(key);
    const replayed = before !== undefined;
    const { status, body } = before === undefined ? this.carryOut(url.pathname, JSON.parse(text)) : before;
    if (replayed && before.fingerprint !== fingerprint) return void response.writeHead(422).end('{"code":"idempotency-key-reused"}');
    this.answers.set(key, { fingerprint, status, body });
    if (fault === 'cut-after') return void request.socket.destroy();
    response.writeHead(status, { 'content-type': 'application/json', ...(replayed ? { 'idempotency-replayed': 'true' } : {}) }).end(body);
  }

  private carryOut(path: string, body: Record<string, never>): { status: number; body: string } {
    const [, room, id, verb] = path.split('/').map(decodeURIComponent);
    this.effects += 1;
    if (room === 'stock') {
      const pieces = verb === 'receipts' ? body['quantity'] : body['delta'];
      this.onHand.set(id!, (this.onHand.get(id!) ?? 0) + pieces!);
      return { status: 201, body: '{}' };
    }
    if (verb === 'cancel') return this.cancel(id!);
    return this.place(body as never);
  }

  private place(body: { reference: string; customer: { id: string }; lines: FakeLine[]; paymentToken: string; placedAt: string }) {
    const orderId = `id-${body.reference}`;
    const short = body.lines.some(({ sku }) => !this.onHand.has(sku));
    const declined = /declined|fail_capture/.test(body.paymentToken);
    this.orders.set(orderId, {
      orderId,
      reference: body.reference,
      customerId: body.customer.id,
      placedAt: body.placedAt,
      lines: body.lines,
      token: body.paymentToken,
      status: short || declined ? 'rejected' : 'confirmed',
      refusalCode: short ? 'out-of-stock' : declined ? 'payment-declined' : null,
    });
    return { status: 201, body: JSON.stringify({ orderId, status: 'placed' }) };
  }

  private cancel(orderId: string) {
    const order = this.orders.get(orderId)!;
    if (order.status === 'rejected') return { status: 409, body: JSON.stringify({ code: 'order.already-rejected', detail: 'too late' }) };
    order.status = 'cancelled';
    return { status: 200, body: JSON.stringify({ orderId, status: 'cancelled' }) };
  }

  private read(url: URL): unknown {
    const [, room, id] = url.pathname.split('/').map(decodeURIComponent);
    const query = url.searchParams;
    if (room === 'orders' && id !== undefined) return this.orders.get(id);
    if (room === 'orders') {
      const listed = this.inRange(query.get('placedFrom'), query.get('placedTo')).filter(
        ({ status }) => status === (query.get('status') ?? status),
      );
      return page(listed.map(summary), query);
    }
    const sold = (orders: readonly FakeOrder[]) => orders.filter(({ status }) => status === 'confirmed');
    if (room === 'products') return page(productsOf(sold([...this.orders.values()])), query);
    if (room === 'customers') return page(customersOf(sold([...this.orders.values()])), query);
    const orders = this.inRange(query.get('from'), query.get('to'));
    return { totals: totalsOf(sold(orders)), byStatus: statusesOf(orders) };
  }

  private inRange(from: string | null, to: string | null): FakeOrder[] {
    return this.ordersWhere(
      ({ placedAt }) =>
        (from === null || Date.parse(placedAt) >= Date.parse(from)) && (to === null || Date.parse(placedAt) < Date.parse(to)),
    );
  }
}

/** Two rows a page, whatever limit is asked for: pages are walked in every test. */
function page<T>(items: readonly T[], query: URLSearchParams): { items: T[]; nextCursor: string | null } {
  const at = Number(query.get('cursor') ?? 0);
  return { items: items.slice(at, at + 2), nextCursor: at + 2 < items.length ? String(at + 2) : null };
}

const moneyOf = (lines: readonly FakeLine[]): number => lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0);
const unitsOf = (lines: readonly FakeLine[]): number => lines.reduce((sum, { quantity }) => sum + quantity, 0);

const summary = ({ lines, token: _token, ...order }: FakeOrder) => ({
  ...order,
  currency: 'GBP',
  total: moneyOf(lines),
  lineCount: lines.length,
  units: unitsOf(lines),
});

function productsOf(orders: readonly FakeOrder[]) {
  const lines = orders.flatMap((order) => order.lines);
  return [...new Set(lines.map(({ sku }) => sku))].map((sku) => {
    const mine = lines.filter((line) => line.sku === sku);
    return { sku, units: unitsOf(mine), revenue: moneyOf(mine) };
  });
}

function customersOf(orders: readonly FakeOrder[]) {
  return [...new Set(orders.map(({ customerId }) => customerId))].map((customerId) => {
    const mine = orders.filter((order) => order.customerId === customerId);
    return { customerId, spend: [{ currency: 'GBP', orders: mine.length, amount: moneyOf(mine.flatMap(({ lines }) => lines)) }] };
  });
}

function totalsOf(orders: readonly FakeOrder[]) {
  const lines = orders.flatMap((order) => order.lines);
  return {
    orders: orders.length,
    lines: lines.length,
    skus: productsOf(orders).length,
    customers: customersOf(orders).length,
    guestOrders: orders.filter(({ customerId }) => customerId.startsWith('guest-')).length,
    units: unitsOf(lines),
    revenuePence: moneyOf(lines),
  };
}

function statusesOf(orders: readonly FakeOrder[]) {
  return [...new Set(orders.map(({ status }) => status))].map((status) => ({
    status,
    orders: orders.filter((order) => order.status === status).length,
  }));
}
