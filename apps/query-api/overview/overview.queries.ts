import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { DataSource } from 'typeorm';
import type { TimeRange } from '../reading/instant.js';
import { readTogether } from '../reading/read-database.js';
import { ReadStatements } from '../reading/read-statements.js';
import { Read } from '../reading/read.js';
import type { Overview, Sales } from './overview.answers.js';
import { OVERVIEW_OF_ALL_TIME, salesOf, type OverviewRow } from './sales-of-all-time.js';
import { salesOfRange } from './sales-of-range.js';
import { fulfilmentsOf, STANDING, type Standing } from './standing-figures.js';

/** The dashboard's figures: of a range of business time, or of all time. Money in one currency. */
export class GetOverview extends Read<Overview> {
  readonly sources = ['overview', 'orders', 'customers', 'products', 'stock', 'fulfilments'] as const;

  constructor(
    readonly range: TimeRange,
    readonly currency: string,
  ) {
    super();
  }
}

@QueryHandler(GetOverview)
export class GetOverviewHandler implements IQueryHandler<GetOverview> {
  constructor(
    @Inject(DataSource) private readonly dataSource: DataSource,
    @Inject(ReadStatements) private readonly statements: ReadStatements,
  ) {}

  /**
   * A range is counted from the orders and their lines alone, which one projection owns: its figures always belong together. Without
   * one the running sums of four projections are read, which may differ by the events of the last moment (see Projection-Lag-Ms).
   */
  async execute({ range, currency }: GetOverview): Promise<Overview> {
    const isBounded = range.from !== undefined || range.to !== undefined;
    const figures = isBounded ? await this.ofRange(range, currency) : await this.ofAllTime(currency);
    return {
      from: range.from?.toISOString() ?? null,
      to: range.to?.toISOString() ?? null,
      currency,
      ...figures,
      fulfilments: fulfilmentsOf(figures),
    };
  }

  private async ofAllTime(currency: string): Promise<Sales & Standing> {
    const [row] = await this.statements.rows<OverviewRow>(OVERVIEW_OF_ALL_TIME, [currency]);
    return salesOf(row!);
  }

  private ofRange(range: TimeRange, currency: string): Promise<Sales & Standing> {
    return readTogether(this.dataSource, ['orders', 'products', 'stock', 'fulfilments'], async (manager) => {
      const [standing] = (await manager.query(`SELECT ${STANDING}`)) as [Standing];
      return { ...(await salesOfRange(manager, range, currency)), ...standing };
    });
  }
}
