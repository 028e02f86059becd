import type { SaleOrder } from './invoice-mapping.js';
import { countUp, type Ledger } from './ledger.js';
import { CURRENCY, type ListedOrder, type QuerySide } from './query-side.js';
import { TradeSum, type TradeTotals } from './totals.js';

/** One thing that query-api answers otherwise than what was sent and accepted demands. */
export interface Mismatch {
  readonly what: 'request' | 'order' | 'totals' | 'product' | 'customer';
  /** Invoice, SKU or customer. */
  readonly id: string;
  readonly field: string;
  readonly expected: unknown;
  readonly answered: unknown;
}

export interface Reconciliation {
  /** As query-api answers them for the range. */
  readonly totals: TradeTotals;
  /** The same, added up from the file over the orders that query-api calls confirmed. */
  readonly expected: TradeTotals;
  readonly byStatus: ReadonlyMap<string, number>;
  /** Rejected orders by the reason query-api gives. */
  readonly rejectedBecause: ReadonlyMap<string, number>;
  /** Confirmed orders outside the range; their goods and customers are counted in before products and customers are compared. */
  readonly ordersElsewhere: number;
  readonly mismatches: readonly Mismatch[];
}

export interface ReconcileInput {
  /** The file's orders of the range once more, in any order. */
  readonly orders: AsyncIterable<SaleOrder>;
  readonly ledger: Ledger;
  readonly query: QuerySide;
  /** ISO 8601, included. */
  readonly from: string;
  /** ISO 8601, excluded. */
  readonly to: string;
}

/** Compares every order, the range's totals, and every product and customer the range touches. */
export async function reconcile({ orders, ledger, query, from, to }: ReconcileInput): Promise<Reconciliation> {
  const mismatches = ledger.refusedRequests.map(({ invoice, status, code, detail }): Mismatch => ({
    what: 'request',
    id: invoice,
    field: 'status',
    expected: 'accepted',
    answered: `${status} ${code}: ${detail}`,
  }));
  const listed = await listedOrders(query, ledger, from, to, mismatches);
  const confirmed = new TradeSum();
  for await (const order of orders) {
    const found = listed.get(order.invoice);
    mismatches.push(...compareOrder(order, ledger, found));
    if (found?.status === 'confirmed') confirmed.add(order);
  }

  const expected = confirmed.totals();
  const { totals } = await query.figures(from, to);
  mismatches.push(...differences('totals', 'range', expected, totals));

  // query-api tells products and customers of all time: what others sold of the same goods belongs to the sum, but is not judged.
  const skus = new Set(confirmed.products.keys());
  const customers = new Set(confirmed.customers.keys());
  const ordersElsewhere = await addOrdersElsewhere(confirmed, query, from, to);
  mismatches.push(...(await compareProducts(confirmed, skus, query)), ...(await compareCustomers(confirmed, customers, query)));

  const byStatus = new Map<string, number>();
  const rejectedBecause = new Map<string, number>();
  for (const { status, refusalCode } of listed.values()) {
    countUp(byStatus, status);
    if (status === 'rejected') countUp(rejectedBecause, refusalCode ?? 'none');
  }
  return { totals, expected, byStatus, rejectedBecause, ordersElsewhere, mismatches };
}

/** By invoice. An order of the range that is not the ledger's (also a second one for the same invoice) is a mismatch. */
async function listedOrders(
  query: QuerySide,
  ledger: Ledger,
  from: string,
  to: string,
  mismatches: Mismatch[],
): Promise<Map<string, ListedOrder>> {
  const listed = new Map<string, ListedOrder>();
  for await (const order of query.orders({ placedFrom: from, placedTo: to })) {
    const sent = order.reference === null ? undefined : ledger.orders.get(order.reference);
    if (sent?.orderId === order.orderId) listed.set(order.reference!, order);
    else
      mismatches.push({ what: 'order', id: order.orderId, field: 'reference', expected: 'none of this range', answered: order.reference });
  }
  return listed;
}

function compareOrder(order: SaleOrder, ledger: Ledger, found: ListedOrder | undefined): Mismatch[] {
  const sent = ledger.orders.get(order.invoice);
  // Not accepted: already listed with the answer it got.
  if (!sent || sent.orderId === null) return [];
  if (!found) return [{ what: 'order', id: order.invoice, field: 'orderId', expected: sent.orderId, answered: null }];
  return differences(
    'order',
    order.invoice,
    {
      status: sent.expected,
      customerId: order.customerId,
      placedAt: Date.parse(order.placedAt),
      total: order.total,
      lines: order.lines.length,
      units: order.lines.reduce((sum, { quantity }) => sum + quantity, 0),
    },
    { ...found, placedAt: Date.parse(found.placedAt) },
  );
}

async function addOrdersElsewhere(sum: TradeSum, query: QuerySide, from: string, to: string): Promise<number> {
  let count = 0;
  for (const filter of [{ placedTo: from }, { placedFrom: to }]) {
    for await (const { orderId, customerId, currency } of query.orders({ ...filter, status: 'confirmed' })) {
      if (currency !== CURRENCY) continue;
      sum.add({ customerId, lines: await query.orderLines(orderId) });
      count += 1;
    }
  }
  return count;
}

async function compareProducts(sum: TradeSum, skus: ReadonlySet<string>, query: QuerySide): Promise<Mismatch[]> {
  const mismatches: Mismatch[] = [];
  const missing = new Set(skus);
  for await (const { sku, units, revenuePence } of query.products()) {
    if (!missing.delete(sku)) continue;
    mismatches.push(...differences('product', sku, sum.products.get(sku)!, { units, revenuePence }));
  }
  return [...mismatches, ...absent('product', missing)];
}

async function compareCustomers(sum: TradeSum, customers: ReadonlySet<string>, query: QuerySide): Promise<Mismatch[]> {
  const mismatches: Mismatch[] = [];
  const missing = new Set(customers);
  for await (const { customerId, orders, spendPence } of query.customers()) {
    if (!missing.delete(customerId)) continue;
    mismatches.push(...differences('customer', customerId, sum.customers.get(customerId)!, { orders, spendPence }));
  }
  return [...mismatches, ...absent('customer', missing)];
}

const absent = (what: Mismatch['what'], ids: Iterable<string>): Mismatch[] =>
  [...ids].map((id) => ({ what, id, field: 'id', expected: id, answered: null }));

/** Every field of `expected` that `answered` has otherwise. */
function differences<T extends object>(
  what: Mismatch['what'],
  id: string,
  expected: T,
  answered: { readonly [K in keyof T]: unknown },
): Mismatch[] {
  return (Object.keys(expected) as (keyof T & string)[])
    .filter((field) => expected[field] !== answered[field])
    .map((field) => ({ what, id, field, expected: expected[field], answered: answered[field] }));
}
