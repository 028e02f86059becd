import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { DataSource, In, type EntityManager } from 'typeorm';
import { CustomerRow, CustomerSpendRow } from '#read-models';
import { Cursors, type CursorKey, type CursorKeyKind } from '../reading/cursor.js';
import { toPage, type Page } from '../reading/page.js';
import { queryProblem } from '../reading/query-problems.js';
import { readTogether } from '../reading/read-database.js';
import { Read } from '../reading/read.js';
import { customer, type Customer } from './customer.answers.js';
import type { CustomerSort } from './customer.params.js';

export interface CustomerFilters {
  readonly guest?: boolean;
  readonly country?: string;
}

export class ListCustomers extends Read<Page<Customer>> {
  readonly sources = ['customers'] as const;

  constructor(
    readonly sort: CustomerSort,
    /** Of the spend that is sorted by. */
    readonly currency: string,
    readonly filters: CustomerFilters,
    readonly limit: number,
    readonly cursor?: string,
  ) {
    super();
  }
}

export class GetCustomer extends Read<Customer> {
  readonly sources = ['customers'] as const;

  constructor(readonly customerId: string) {
    super();
  }
}

/** What a list is sorted by before the id; a row that lacks it counts as zero. */
const SORTS: Readonly<Record<CustomerSort, { column: string; kind: CursorKeyKind } | undefined>> = {
  id: undefined,
  spend: { column: 'coalesce(s.spend, 0)', kind: 'integer' },
  orders: { column: 'c.orders', kind: 'integer' },
  lastOrder: { column: 'c.lastOrderAt', kind: 'instant' },
};

@QueryHandler(ListCustomers)
export class ListCustomersHandler implements IQueryHandler<ListCustomers> {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  async execute(query: ListCustomers): Promise<Page<Customer>> {
    const { sort, currency, filters, limit } = query;
    const by = SORTS[sort];
    const cursors = new Cursors({ list: 'customers', sort, currency, ...filters }, by === undefined ? ['text'] : [by.kind, 'text']);
    const after = query.cursor === undefined ? undefined : cursors.decode(query.cursor);
    return readTogether(this.dataSource, ['customers'], async (manager) => {
      const rows = await this.select(manager, query, after);
      const spend = await spendOf(
        manager,
        rows.slice(0, limit).map(({ customerId }) => customerId),
      );
      const keys = (row: CustomerRow): CursorKey[] => [...keyOf(row, sort, currency, spend), row.customerId];
      return toPage(rows, limit, cursors, keys, (row) => customer(row, spend.get(row.customerId) ?? []));
    });
  }

  private select(manager: EntityManager, { sort, currency, filters, limit }: ListCustomers, after: readonly CursorKey[] | undefined) {
    const by = SORTS[sort];
    const select = manager.getRepository(CustomerRow).createQueryBuilder('c');
    if (sort === 'spend') select.leftJoin(CustomerSpendRow, 's', 's.customerId = c.customerId AND s.currency = :currency', { currency });
    if (filters.guest !== undefined) select.andWhere('c.guest = :guest', { guest: filters.guest });
    if (filters.country !== undefined) select.andWhere('c.country = :country', { country: filters.country });
    if (by === undefined) {
      if (after !== undefined) select.andWhere('c.customerId > :id', { id: after[0] });
      return select
        .orderBy('c.customerId')
        .limit(limit + 1)
        .getMany();
    }
    // Both keys descend, so that one row comparison finds the place.
    if (after !== undefined) select.andWhere(`(${by.column}, c.customerId) < (:key, :id)`, { key: after[0], id: after[1] });
    return select
      .orderBy(by.column, 'DESC')
      .addOrderBy('c.customerId', 'DESC')
      .limit(limit + 1)
      .getMany();
  }
}

@QueryHandler(GetCustomer)
export class GetCustomerHandler implements IQueryHandler<GetCustomer> {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  async execute({ customerId }: GetCustomer): Promise<Customer> {
    const found = await readTogether(this.dataSource, ['customers'], async (manager) => {
      const row = await manager.findOne(CustomerRow, { where: { customerId } });
      return row === null ? undefined : customer(row, (await spendOf(manager, [customerId])).get(customerId) ?? []);
    });
    if (found === undefined) throw queryProblem('customer.not-found', 'No order of this customer is known.');
    return found;
  }
}

function keyOf(
  row: CustomerRow,
  sort: CustomerSort,
  currency: string,
  spend: ReadonlyMap<string, readonly CustomerSpendRow[]>,
): CursorKey[] {
  switch (sort) {
    case 'id':
      return [];
    case 'spend':
      return [spend.get(row.customerId)?.find((each) => each.currency === currency)?.spend ?? 0];
    case 'orders':
      return [row.orders];
    case 'lastOrder':
      return [row.lastOrderAt.toISOString()];
  }
}

async function spendOf(manager: EntityManager, customerIds: readonly string[]): Promise<Map<string, CustomerSpendRow[]>> {
  const byCustomer = new Map<string, CustomerSpendRow[]>(customerIds.map((id) => [id, []]));
  if (customerIds.length === 0) return byCustomer;
  const rows = await manager.find(CustomerSpendRow, { where: { customerId: In([...customerIds]) }, order: { currency: 'ASC' } });
  for (const row of rows) byCustomer.get(row.customerId)?.push(row);
  return byCustomer;
}
