import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { DataSource } from 'typeorm';
import { ProductRow, ProductSalesRow } from '#read-models';
import { Cursors } from '../reading/cursor.js';
import { toPage, type Page } from '../reading/page.js';
import { queryProblem } from '../reading/query-problems.js';
import { readTogether } from '../reading/read-database.js';
import { Read } from '../reading/read.js';
import type { ProductDetail, ProductSummary } from './product.answers.js';
import type { ProductSort } from './product.params.js';

export class ListProducts extends Read<Page<ProductSummary>> {
  readonly sources = ['products'] as const;

  constructor(
    readonly sort: ProductSort,
    readonly currency: string,
    readonly limit: number,
    readonly cursor?: string,
  ) {
    super();
  }
}

export class GetProduct extends Read<ProductDetail> {
  readonly sources = ['products'] as const;

  constructor(readonly sku: string) {
    super();
  }
}

@QueryHandler(ListProducts)
export class ListProductsHandler implements IQueryHandler<ListProducts> {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  /** One statement; a product that was never sold in the currency is there with zeros. */
  async execute({ sort, currency, limit, cursor }: ListProducts): Promise<Page<ProductSummary>> {
    const cursors = new Cursors({ list: 'products', sort, currency }, sort === 'sku' ? ['text'] : ['integer', 'text']);
    const figure = (name: 'orders' | 'units' | 'revenue') => `coalesce(s.${name}, 0)`;
    const select = this.dataSource
      .getRepository(ProductRow)
      .createQueryBuilder('p')
      .leftJoin(ProductSalesRow, 's', 's.sku = p.sku AND s.currency = :currency', { currency })
      .select('p.sku', 'sku')
      .addSelect('p.description', 'description')
      .limit(limit + 1);
    for (const name of ['orders', 'units', 'revenue'] as const) select.addSelect(figure(name), name);
    const after = cursor === undefined ? undefined : cursors.decode(cursor);
    if (sort === 'sku') {
      select.orderBy('p.sku');
      if (after !== undefined) select.andWhere('p.sku > :sku', { sku: after[0] });
    } else {
      select.orderBy(figure(sort), 'DESC').addOrderBy('p.sku', 'DESC');
      if (after !== undefined) select.andWhere(`(${figure(sort)}, p.sku) < (:key, :sku)`, { key: after[0], sku: after[1] });
    }
    const rows = await select.getRawMany<{ sku: string; description: string | null; orders: string; units: string; revenue: string }>();
    const items = rows.map(({ sku, description, orders, units, revenue }) => ({
      sku,
      description,
      currency,
      orders: Number(orders),
      units: Number(units),
      revenue: Number(revenue),
    }));
    return toPage(
      items,
      limit,
      cursors,
      (item) => (sort === 'sku' ? [item.sku] : [item[sort], item.sku]),
      (item) => item,
    );
  }
}

@QueryHandler(GetProduct)
export class GetProductHandler implements IQueryHandler<GetProduct> {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  async execute({ sku }: GetProduct): Promise<ProductDetail> {
    const found = await readTogether(this.dataSource, ['products'], async (manager) => {
      const product = await manager.findOne(ProductRow, { where: { sku } });
      if (product === null) return undefined;
      const sales = await manager.find(ProductSalesRow, { where: { sku }, order: { currency: 'ASC' } });
      return {
        sku,
        description: product.description,
        sales: sales.map(({ currency, orders, units, revenue }) => ({ currency, orders, units, revenue })),
      };
    });
    if (found === undefined) throw queryProblem('product.not-found', `No order ever held ${sku}.`);
    return found;
  }
}
