import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { DataSource } from 'typeorm';
import { FulfilmentRow, type FulfilmentStatus } from '#read-models';
import { Cursors } from '../reading/cursor.js';
import { toPage, type Page } from '../reading/page.js';
import { queryProblem } from '../reading/query-problems.js';
import { Read } from '../reading/read.js';
import { fulfilment, type Fulfilment } from './fulfilment.answers.js';

/** Fulfilments of one status, or those in progress or parked, the longest running first. */
export class ListFulfilments extends Read<Page<Fulfilment>> {
  readonly sources = ['fulfilments'] as const;

  constructor(
    readonly status: FulfilmentStatus | 'open',
    readonly limit: number,
    readonly cursor?: string,
  ) {
    super();
  }
}

export class GetFulfilment extends Read<Fulfilment> {
  readonly sources = ['fulfilments'] as const;

  constructor(readonly orderId: string) {
    super();
  }
}

@QueryHandler(ListFulfilments)
export class ListFulfilmentsHandler implements IQueryHandler<ListFulfilments> {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  async execute({ status, limit, cursor }: ListFulfilments): Promise<Page<Fulfilment>> {
    const cursors = new Cursors({ list: 'fulfilments', status }, ['instant', 'text']);
    const statuses = status === 'open' ? ['running', 'parked'] : [status];
    const select = this.dataSource.getRepository(FulfilmentRow).createQueryBuilder('f').where('f.status IN (:...statuses)', { statuses });
    if (cursor !== undefined) {
      const [at, id] = cursors.decode(cursor);
      select.andWhere('(f.startedAt, f.orderId) > (:at, :id)', { at, id });
    }
    const rows = await select
      .orderBy('f.startedAt')
      .addOrderBy('f.orderId')
      .limit(limit + 1)
      .getMany();
    return toPage(rows, limit, cursors, (row) => [row.startedAt.toISOString(), row.orderId], fulfilment);
  }
}

@QueryHandler(GetFulfilment)
export class GetFulfilmentHandler implements IQueryHandler<GetFulfilment> {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  async execute({ orderId }: GetFulfilment): Promise<Fulfilment> {
    const row = await this.dataSource.getRepository(FulfilmentRow).findOne({ where: { orderId } });
    if (row === null) throw queryProblem('fulfilment.not-found', 'It has not begun, or there is no such order.');
    return fulfilment(row);
  }
}
