import { FULFILMENT_STATUSES } from '#read-models';
import { TOP, type Overview } from './overview.answers.js';

/** What is as it is now, whatever the range. */
export interface Standing {
  readonly lowStock: Overview['lowStock'];
  /** Statuses that some fulfilment has. */
  readonly fulfilments: readonly { readonly status: string; readonly count: number }[];
}

/** Select expressions: the columns of {@link Standing}. */
export const STANDING = `
  (SELECT json_build_object(
     'skus', (SELECT count(*) FROM read.stock_levels WHERE available <= reorder_level),
     'lowest', (SELECT coalesce(json_agg(s), '[]') FROM (
       SELECT sku, available, reorder_level AS "reorderLevel" FROM read.stock_levels WHERE available <= reorder_level
       ORDER BY available, sku LIMIT ${TOP}) s))) AS "lowStock",
  (SELECT coalesce(json_agg(f), '[]') FROM (SELECT status, count(*) AS count FROM read.fulfilments GROUP BY status) f) AS fulfilments`;

export function fulfilmentsOf({ fulfilments }: Standing): Overview['fulfilments'] {
  const counts = new Map(fulfilments.map(({ status, count }) => [status, count]));
  return Object.fromEntries(FULFILMENT_STATUSES.map((status) => [status, counts.get(status) ?? 0])) as Overview['fulfilments'];
}
