import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { DataSource } from 'typeorm';
import { StockLevelRow } from '#read-models';
import { Cursors } from '../reading/cursor.js';
import { toPage, type Page } from '../reading/page.js';
import { queryProblem } from '../reading/query-problems.js';
import { Read } from '../reading/read.js';
import { stockLevel, type StockLevel } from './stock.answers.js';

export interface StockFilters {
  /** Pieces. */
  readonly lowBelow?: number;
  readonly low?: boolean;
}

/** Stock levels by SKU. */
export class ListStock extends Read<Page<StockLevel>> {
  readonly sources = ['stock'] as const;

  constructor(
    readonly filters: StockFilters,
    readonly limit: number,
    readonly cursor?: string,
  ) {
    super();
  }
}

export class GetStock extends Read<StockLevel> {
  readonly sources = ['stock'] as const;

  constructor(readonly sku: string) {
    super();
  }
}

@QueryHandler(ListStock)
export class ListStockHandler implements IQueryHandler<ListStock> {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  async execute({ filters, limit, cursor }: ListStock): Promise<Page<StockLevel>> {
    const cursors = new Cursors({ list: 'stock', ...filters }, ['text']);
    const select = this.dataSource.getRepository(StockLevelRow).createQueryBuilder('s');
    if (filters.lowBelow !== undefined) select.andWhere('s.available < :lowBelow', { lowBelow: filters.lowBelow });
    if (filters.low !== undefined) select.andWhere(`s.available ${filters.low ? '<=' : '>'} s.reorderLevel`);
    if (cursor !== undefined) select.andWhere('s.sku > :sku', { sku: cursors.decode(cursor)[0] });
    const rows = await select
      .orderBy('s.sku')
      .limit(limit + 1)
      .getMany();
    return toPage(rows, limit, cursors, ({ sku }) => [sku], stockLevel);
  }
}

@QueryHandler(GetStock)
export class GetStockHandler implements IQueryHandler<GetStock> {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  async execute({ sku }: GetStock): Promise<StockLevel> {
    const row = await this.dataSource.getRepository(StockLevelRow).findOne({ where: { sku } });
    if (row === null) throw queryProblem('stock.not-found', `Nothing is known of stock of ${sku}.`);
    return stockLevel(row);
  }
}
