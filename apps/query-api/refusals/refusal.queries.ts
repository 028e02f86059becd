import { Inject } from '@nestjs/common';
import { QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { DataSource } from 'typeorm';
import type { TimeRange } from '../reading/instant.js';
import { Read } from '../reading/read.js';
import type { Refusals } from './refusal.answers.js';

/** Why orders were refused, over orders placed in a range of business time. */
export class GetRefusals extends Read<Refusals> {
  readonly sources = ['orders'] as const;

  constructor(readonly range: TimeRange) {
    super();
  }
}

@QueryHandler(GetRefusals)
export class GetRefusalsHandler implements IQueryHandler<GetRefusals> {
  constructor(@Inject(DataSource) private readonly dataSource: DataSource) {}

  async execute({ range: { from, to } }: GetRefusals): Promise<Refusals> {
    const [row] = (await this.dataSource.query(
      `WITH refused AS MATERIALIZED (
         SELECT order_id, refusal_code, placed_at, shortages FROM read.orders
         WHERE status = 'rejected' AND ($1::timestamptz IS NULL OR placed_at >= $1) AND ($2::timestamptz IS NULL OR placed_at < $2)
       )
       SELECT
         (SELECT count(*)::integer FROM refused) AS orders,
         (SELECT coalesce(json_agg(r), '[]') FROM (
           SELECT refusal_code AS code, count(*) AS orders,
             to_char(max(placed_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS "latestPlacedAt",
             (array_agg(order_id ORDER BY placed_at DESC, order_id))[1:3] AS examples
           FROM refused GROUP BY refusal_code ORDER BY count(*) DESC, refusal_code) r) AS "byReason",
         (SELECT coalesce(json_agg(s), '[]') FROM (
           SELECT short->>'sku' AS sku, count(DISTINCT order_id) AS orders
           FROM refused CROSS JOIN LATERAL jsonb_array_elements(coalesce(shortages, '[]')) AS short
           GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20) s) AS "shortSkus"`,
      [from ?? null, to ?? null],
    )) as [Omit<Refusals, 'from' | 'to'>];
    return { from: from?.toISOString() ?? null, to: to?.toISOString() ?? null, ...row };
  }
}
