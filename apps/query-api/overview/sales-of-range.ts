import type { EntityManager } from 'typeorm';
import type { TimeRange } from '../reading/instant.js';
import { TOP, type Sales } from './overview.answers.js';
import { topProducts } from './top-products.js';

/** Orders of the range in the currency; $1 currency, $2 from, $3 to (half open; null leaves an end open). */
const PLACED = `
  o.currency = $1
  AND ($2::timestamptz IS NULL OR o.placed_at >= $2)
  AND ($3::timestamptz IS NULL OR o.placed_at < $3)`;

/** Hours of more than a year. A dashboard that asks for more gets the latest. */
const MAX_HOURS = 10_000;

/**
 * Everything about one pass over the orders of the range, and one over their lines. Figures come back as JSON numbers: money and
 * pieces are safe integers by the rules of the domain.
 */
export async function salesOfRange(manager: EntityManager, { from, to }: TimeRange, currency: string): Promise<Sales> {
  const range = [currency, from ?? null, to ?? null];
  const [orders] = (await manager.query(
    `WITH placed AS MATERIALIZED (
       SELECT status, customer_id, guest, line_count, units, total, placed_at,
         extract(epoch FROM confirmed_recorded_at - placed_recorded_at) * 1000 AS confirmation_ms
       FROM read.orders o WHERE ${PLACED}
     ), sold AS (SELECT * FROM placed WHERE status = 'confirmed')
     SELECT
       (SELECT json_build_object('orders', count(*), 'lines', coalesce(sum(line_count), 0), 'customers', count(DISTINCT customer_id),
         'guestOrders', count(*) FILTER (WHERE guest), 'units', coalesce(sum(units), 0), 'revenuePence', coalesce(sum(total), 0)) FROM sold) AS totals,
       (SELECT json_build_object('orders', count(*), 'lines', coalesce(sum(line_count), 0), 'units', coalesce(sum(units), 0),
         'totalPence', coalesce(sum(total), 0)) FROM placed) AS placed,
       (SELECT coalesce(json_agg(s), '[]') FROM (
         SELECT status, count(*) AS orders, sum(line_count) AS lines, sum(units) AS units, sum(total) AS "totalPence"
         FROM placed GROUP BY status ORDER BY status) s) AS "byStatus",
       (SELECT coalesce(json_agg(h ORDER BY h.hour), '[]') FROM (
         SELECT to_char(date_trunc('hour', placed_at, 'UTC') AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.000"Z"') AS hour, count(*) AS orders,
           sum(total) AS "revenuePence"
         FROM sold GROUP BY 1 ORDER BY 1 DESC LIMIT ${MAX_HOURS}) h) AS "byHour",
       (SELECT coalesce(json_agg(m), '[]') FROM (
         SELECT to_char(placed_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, count(*) AS orders, sum(total) AS "revenuePence"
         FROM sold GROUP BY 1 ORDER BY 1) m) AS "byMonth",
       (SELECT coalesce(json_agg(c), '[]') FROM (
         SELECT customer_id AS "customerId", count(*) AS orders, sum(total) AS "spendPence"
         FROM sold GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT ${TOP}) c) AS "topCustomersBySpend",
       (SELECT json_build_object('orders', count(confirmation_ms),
         'p50Ms', round(percentile_cont(0.5) WITHIN GROUP (ORDER BY confirmation_ms)),
         'p95Ms', round(percentile_cont(0.95) WITHIN GROUP (ORDER BY confirmation_ms))) FROM placed) AS confirmation`,
    range,
  )) as [Omit<Sales, 'totals' | 'topProductsByRevenue' | 'topProductsByUnits'> & { totals: Omit<Sales['totals'], 'skus'> }];
  const [lines] = (await manager.query(
    `WITH per_sku AS MATERIALIZED (
       SELECT l.sku, sum(l.quantity) AS units, sum(l.quantity * l.unit_price) AS revenue
       FROM read.order_lines l JOIN read.orders o USING (order_id)
       WHERE o.status = 'confirmed' AND ${PLACED}
       GROUP BY l.sku
     )
     SELECT (SELECT count(*)::integer FROM per_sku) AS skus, ${topProducts('revenue')} AS by_revenue, ${topProducts('units')} AS by_units`,
    range,
  )) as [{ skus: number; by_revenue: Sales['topProductsByRevenue']; by_units: Sales['topProductsByUnits'] }];
  return {
    ...orders,
    totals: { ...orders.totals, skus: lines.skus },
    topProductsByRevenue: lines.by_revenue,
    topProductsByUnits: lines.by_units,
  };
}
