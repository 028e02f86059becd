import type { PatientHttp } from './patient-http.js';
import {
  CURRENCY,
  type ListedCustomer,
  type ListedOrder,
  type ListedProduct,
  type OrderFilter,
  type OrderStatus,
  type QuerySide,
  type RangeFigures,
} from './query-side.js';
import type { TradeTotals } from './totals.js';

const PAGE = 200;

interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

interface Overview {
  readonly totals: TradeTotals;
  readonly byStatus: readonly { readonly status: OrderStatus; readonly orders: number }[];
}

/** query-api over HTTP. Anything but a 200 is an error that names the address. */
export class QueryApiClient implements QuerySide {
  constructor(private readonly http: PatientHttp) {}

  async figures(from: string, to: string): Promise<RangeFigures> {
    const { totals, byStatus } = await this.ask<Overview>('/overview', { from, to, currency: CURRENCY });
    return { totals, byStatus: counts(byStatus) };
  }

  async byStatus(): Promise<ReadonlyMap<OrderStatus, number>> {
    return counts((await this.ask<Overview>('/overview', { currency: CURRENCY })).byStatus);
  }

  async *orders(filter: OrderFilter): AsyncGenerator<ListedOrder> {
    for await (const { lineCount, ...order } of this.pages<Omit<ListedOrder, 'lines'> & { lineCount: number }>('/orders', { ...filter })) {
      yield { ...order, lines: lineCount };
    }
  }

  async orderLines(orderId: string) {
    const { lines } = await this.ask<{ lines: readonly { sku: string; quantity: number; unitPrice: number }[] }>(`/orders/${orderId}`, {});
    return lines;
  }

  async *products(): AsyncGenerator<ListedProduct> {
    const query = { sort: 'sku', currency: CURRENCY };
    for await (const { sku, units, revenue } of this.pages<{ sku: string; units: number; revenue: number }>('/products', query)) {
      yield { sku, units, revenuePence: revenue };
    }
  }

  async *customers(): AsyncGenerator<ListedCustomer> {
    type Row = { customerId: string; spend: readonly { currency: string; orders: number; amount: number }[] };
    for await (const { customerId, spend } of this.pages<Row>('/customers', { sort: 'id', currency: CURRENCY })) {
      const { orders, amount } = spend.find(({ currency }) => currency === CURRENCY) ?? { orders: 0, amount: 0 };
      yield { customerId, orders, spendPence: amount };
    }
  }

  private async *pages<Item>(path: string, query: Readonly<Record<string, string | undefined>>): AsyncGenerator<Item> {
    let cursor: string | null = null;
    do {
      const page: Page<Item> = await this.ask(path, { ...query, limit: String(PAGE), cursor: cursor ?? undefined });
      yield* page.items;
      cursor = page.nextCursor;
    } while (cursor !== null);
  }

  private async ask<Answer>(path: string, query: Readonly<Record<string, string | undefined>>): Promise<Answer> {
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const address = given.length > 0 ? `${path}?${new URLSearchParams(given).toString()}` : path;
    const { status, body } = await this.http.get(address);
    if (status !== 200) throw new Error(`query-api answered GET ${address} with ${status}: ${JSON.stringify(body)}`);
    return body as Answer;
  }
}

const counts = (rows: Overview['byStatus']): ReadonlyMap<OrderStatus, number> =>
  new Map(rows.map(({ status, orders }) => [status, orders]));
