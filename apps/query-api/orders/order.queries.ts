import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { DataSource } from 'typeorm';
import { OrderHistoryRow, OrderLineRow, OrderRow, type OrderStatus } from '#read-models';
import { Cursors } from '../reading/cursor.js';
import type { TimeRange } from '../reading/instant.js';
import { toPage, type Page } from '../reading/page.js';
import { queryProblem } from '../reading/query-problems.js';
import { readTogether } from '../reading/read-database.js';
import { orderDetail, orderSummary, type OrderDetail, type OrderSummary } from './order.answers.js';

export interface OrderFilters {
  readonly status?: OrderStatus;
  readonly customerId?: string;
  readonly sku?: string;
  readonly refusalCode?: string;
  readonly reference?: string;
  readonly placed: TimeRange;
}

/** Orders, the last placed first. The order of the list never changes, since neither the time nor the id of an order does. */
export class ListOrders extends Query<Page<OrderSummary>> {
  constructor(
    readonly filters: OrderFilters,
    readonly limit: number,
    readonly cursor?: string,
  ) {
    super();
  }
}

export class GetOrder extends Query<OrderDetail> {
  constructor(readonly orderId: string) {
    super();
  }
}

@QueryHandler(ListOrders)
export class ListOrdersHandler implements IQueryHandler<ListOrders> {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /** One statement, so that it needs no snapshot of its own. */
  async execute({ filters, limit, cursor }: ListOrders): Promise<Page<OrderSummary>> {
    const cursors = new Cursors({ list: 'orders', ...filters }, ['instant', 'text']);
    const select = this.dataSource.getRepository(OrderRow).createQueryBuilder('o');
    const { status, customerId, sku, refusalCode, reference, placed } = filters;
    if (status !== undefined) select.andWhere('o.status = :status', { status });
    if (customerId !== undefined) select.andWhere('o.customerId = :customerId', { customerId });
    if (refusalCode !== undefined) select.andWhere('o.refusalCode = :refusalCode', { refusalCode });
    if (reference !== undefined) select.andWhere('o.reference = :reference', { reference });
    if (placed.from !== undefined) select.andWhere('o.placedAt >= :from', { from: placed.from });
    if (placed.to !== undefined) select.andWhere('o.placedAt < :to', { to: placed.to });
    if (sku !== undefined) {
      const lines = select.subQuery().select('1').from(OrderLineRow, 'l').where('l.orderId = o.orderId').andWhere('l.sku = :sku');
      select.andWhere(`EXISTS ${lines.getQuery()}`, { sku });
    }
    if (cursor !== undefined) {
      const [at, id] = cursors.decode(cursor);
      select.andWhere('(o.placedAt, o.orderId) < (:at, :id)', { at, id });
    }
    const rows = await select
      .orderBy('o.placedAt', 'DESC')
      .addOrderBy('o.orderId', 'DESC')
      .limit(limit + 1)
      .getMany();
    return toPage(rows, limit, cursors, (row) => [row.placedAt.toISOString(), row.orderId], orderSummary);
  }
}

@QueryHandler(GetOrder)
export class GetOrderHandler implements IQueryHandler<GetOrder> {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  async execute({ orderId }: GetOrder): Promise<OrderDetail> {
    const found = await readTogether(this.dataSource, ['orders'], async (manager) => {
      const order = await manager.findOne(OrderRow, { where: { orderId } });
      if (order === null) return undefined;
      const lines = await manager.find(OrderLineRow, { where: { orderId }, order: { lineNo: 'ASC' } });
      const history = await manager.find(OrderHistoryRow, { where: { orderId }, order: { version: 'ASC' } });
      return orderDetail(order, lines, history);
    });
    if (found === undefined) {
      throw queryProblem('order.not-found', 'Not in the read model (yet): give the consistency token of the command to wait for it.');
    }
    return found;
  }
}
