import { Inject } from '@nestjs/common';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { DataSource, type EntityManager } from 'typeorm';
import { FULFILMENT_STATUSES, FulfilmentRow, StockLevelRow } from '#read-models';
import type { TimeRange } from '../reading/instant.js';
import { readTogether } from '../reading/read-database.js';
import { TOP, type Overview } from './overview.answers.js';
import { salesOfAllTime } from './sales-of-all-time.js';
import { salesOfRange } from './sales-of-range.js';

/** The dashboard's figures: of a range of business time, or of all time. Money in one currency. */
export class GetOverview extends Query<Overview> {
  constructor(
    readonly range: TimeRange,
    readonly currency: string,
  ) {
    super();
  }
}

@QueryHandler(GetOverview)
export class GetOverviewHandler implements IQueryHandler<GetOverview> {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /**
   * A range is counted from the orders and their lines alone, which one projection owns: its figures always belong together. Without
   * one the running sums of four projections are read, which may differ by the events of the last moment (see Projection-Lag-Ms).
   */
  async execute({ range, currency }: GetOverview): Promise<Overview> {
    const bounded = range.from !== undefined || range.to !== undefined;
    return readTogether(
      this.dataSource,
      bounded ? ['orders', 'products', 'stock', 'fulfilments'] : ['customers', 'products', 'overview', 'stock', 'fulfilments'],
      async (manager) => ({
        from: range.from?.toISOString() ?? null,
        to: range.to?.toISOString() ?? null,
        currency,
        ...(bounded ? await salesOfRange(manager, range, currency) : await salesOfAllTime(manager, currency)),
        lowStock: await lowStock(manager),
        fulfilments: await fulfilments(manager),
      }),
    );
  }
}

async function lowStock(manager: EntityManager): Promise<Overview['lowStock']> {
  const [rows, skus] = await manager
    .getRepository(StockLevelRow)
    .createQueryBuilder('s')
    .where('s.available <= s.reorderLevel')
    .orderBy('s.available')
    .addOrderBy('s.sku')
    .limit(TOP)
    .getManyAndCount();
  return { skus, lowest: rows.map(({ sku, available, reorderLevel }) => ({ sku, available, reorderLevel })) };
}

async function fulfilments(manager: EntityManager): Promise<Overview['fulfilments']> {
  const rows = await manager
    .getRepository(FulfilmentRow)
    .createQueryBuilder('f')
    .select('f.status', 'status')
    .addSelect('count(*)', 'count')
    .groupBy('f.status')
    .getRawMany<{ status: string; count: string }>();
  const counts = new Map(rows.map(({ status, count }) => [status, Number(count)]));
  return Object.fromEntries(FULFILMENT_STATUSES.map((status) => [status, counts.get(status) ?? 0])) as Overview['fulfilments'];
}
