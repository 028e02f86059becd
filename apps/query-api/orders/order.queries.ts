import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import type { OrderStatus } from '#read-models';
import { Cursors } from '../reading/cursor.js';
import { ISO, type TimeRange } from '../reading/instant.js';
import { toPage, type Page } from '../reading/page.js';
import { queryProblem } from '../reading/query-problems.js';
import { Read } from '../reading/read.js';
import { DEFAULT_LIMIT } from '../reading/read.params.js';
import { ReadStatements } from '../reading/read-statements.js';
import { Where } from '../reading/where.js';
import type { OrderDetail, OrderSummary } from './order.answers.js';

export interface OrderFilters {
  readonly status?: OrderStatus;
  readonly customerId?: string;
  readonly sku?: string;
  readonly refusalCode?: string;
  readonly reference?: string;
  readonly placed: TimeRange;
}

/** Orders, the last placed first. The order of the list never changes, since neither the time nor the id of an order does. */
export class ListOrders extends Read<Page<OrderSummary>> {
  readonly sources = ['orders'] as const;

  constructor(
    readonly filters: OrderFilters,
    readonly limit: number,
    readonly cursor?: string,
  ) {
    super();
  }
}

export class GetOrder extends Read<OrderDetail> {
  readonly sources = ['orders'] as const;

  constructor(readonly orderId: string) {
    super();
  }
}

/** An {@link OrderSummary} as it is answered. */
const SUMMARY = `o.order_id AS "orderId", o.reference, o.status, o.customer_id AS "customerId", o.guest, o.country, o.currency, o.total,
  o.line_count AS "lineCount", o.units, o.placed_at AS "placedAt", coalesce(o.cancelled_at, o.rejected_at, o.confirmed_at) AS "endedAt",
  o.refusal_code AS "refusalCode", o.version`;

export const pageOfOrders = (where: string, limit: string): string =>
  `SELECT ${SUMMARY} FROM read.orders o ${where} ORDER BY o.placed_at DESC, o.order_id DESC LIMIT ${limit}`;

@QueryHandler(ListOrders)
export class ListOrdersHandler implements IQueryHandler<ListOrders> {
  constructor(@Inject(ReadStatements) private readonly statements: ReadStatements) {}

  async execute({ filters, limit, cursor }: ListOrders): Promise<Page<OrderSummary>> {
    const cursors = new Cursors({ list: 'orders', ...filters }, ['instant', 'text']);
    const { status, customerId, sku, refusalCode, reference, placed } = filters;
    const where = new Where()
      .andIfGiven('o.status = ?', status)
      .andIfGiven('o.customer_id = ?', customerId)
      .andIfGiven('o.refusal_code = ?', refusalCode)
      .andIfGiven('o.reference = ?', reference)
      .andIfGiven('o.placed_at >= ?', placed.from)
      .andIfGiven('o.placed_at < ?', placed.to)
      .andIfGiven('EXISTS (SELECT FROM read.order_lines l WHERE l.order_id = o.order_id AND l.sku = ?)', sku);
    if (cursor !== undefined) where.and('(o.placed_at, o.order_id) < (?, ?)', ...cursors.decode(cursor));
    // Told the usual number, PostgreSQL plans once for all; with a parameter it believes in a tenth of the table, and plans every time.
    const usual = limit === DEFAULT_LIMIT;
    const rows = await this.statements.rows<OrderSummary>(
      pageOfOrders(where.sql, usual ? String(DEFAULT_LIMIT + 1) : `$${where.values.length + 1}`),
      usual ? where.values : [...where.values, limit + 1],
    );
    return toPage(
      rows,
      limit,
      cursors,
      ({ placedAt, orderId }) => [placedAt, orderId],
      (row) => row,
    );
  }
}

/** An {@link OrderDetail} as it is answered, in one statement: what belongs to an order is found by three look-ups of a key. */
export const ORDER_BY_ID = `
  SELECT ${SUMMARY},
    CASE WHEN o.refusal_code IS NOT NULL THEN
      json_build_object('code', o.refusal_code, 'detail', o.refusal_detail, 'shortages', coalesce(o.shortages, '[]')) END AS refusal,
    CASE WHEN o.cancelled_from IS NOT NULL THEN json_build_object('reason', o.cancel_reason, 'from', o.cancelled_from) END AS cancellation,
    (extract(epoch FROM o.confirmed_recorded_at - o.placed_recorded_at) * 1000)::bigint AS "confirmationMs",
    (SELECT coalesce(json_agg(json_build_object('lineNo', l.line_no, 'sku', l.sku, 'description', l.description, 'quantity', l.quantity,
       'unitPrice', l.unit_price) ORDER BY l.line_no), '[]')
     FROM read.order_lines l WHERE l.order_id = o.order_id) AS lines,
    (SELECT coalesce(json_agg(json_build_object('version', h.version, 'status', h.status, 'detail', h.detail, 'actor', h.actor,
       'occurredAt', to_char(h.occurred_at AT TIME ZONE 'UTC', ${ISO}), 'recordedAt', to_char(h.recorded_at AT TIME ZONE 'UTC', ${ISO}))
       ORDER BY h.version), '[]')
     FROM read.order_history h WHERE h.order_id = o.order_id) AS history
  FROM read.orders o WHERE o.order_id = $1`;

@QueryHandler(GetOrder)
export class GetOrderHandler implements IQueryHandler<GetOrder> {
  constructor(@Inject(ReadStatements) private readonly statements: ReadStatements) {}

  async execute({ orderId }: GetOrder): Promise<OrderDetail> {
    const [order] = await this.statements.rows<OrderDetail>(ORDER_BY_ID, [orderId]);
    if (order === undefined) {
      throw queryProblem('order.not-found', 'Not in the read model (yet): give the consistency token of the command to wait for it.');
    }
    return order;
  }
}
