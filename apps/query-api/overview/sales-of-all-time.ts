import type { EntityManager } from 'typeorm';
import { TOP, type Sales } from './overview.answers.js';
import { topProducts } from './top-products.js';

const MAX_HOURS = 744;
/** Orders whose confirmation times are looked at: percentiles of all of them would need all of them. */
const LAST_ORDERS = 10_000;

/** From running sums, so that it costs the same however many orders there are: hours, customers and products, not orders. */
export async function salesOfAllTime(manager: EntityManager, currency: string): Promise<Sales> {
  const [hours] = (await manager.query(
    `WITH hours AS MATERIALIZED (SELECT * FROM read.overview_hours WHERE currency = $1 AND orders > 0),
       sold AS (SELECT * FROM hours WHERE status = 'confirmed'),
       latest AS (
         SELECT confirmation_ms FROM (SELECT confirmation_ms, currency FROM read.overview_orders ORDER BY placed_at DESC LIMIT ${LAST_ORDERS}) o
         WHERE currency = $1)
     SELECT
       (SELECT json_build_object('orders', coalesce(sum(orders), 0), 'lines', coalesce(sum(lines), 0), 'units', coalesce(sum(units), 0),
         'revenuePence', coalesce(sum(total), 0)) FROM sold) AS totals,
       (SELECT json_build_object('orders', coalesce(sum(orders), 0), 'lines', coalesce(sum(lines), 0), 'units', coalesce(sum(units), 0),
         'totalPence', coalesce(sum(total), 0)) FROM hours) AS placed,
       (SELECT coalesce(json_agg(s), '[]') FROM (
         SELECT status, sum(orders) AS orders, sum(lines) AS lines, sum(units) AS units, sum(total) AS "totalPence"
         FROM hours GROUP BY status ORDER BY status) s) AS "byStatus",
       (SELECT coalesce(json_agg(h ORDER BY h.hour), '[]') FROM (
         SELECT to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.000"Z"') AS hour, orders, total AS "revenuePence"
         FROM sold ORDER BY 1 DESC LIMIT ${MAX_HOURS}) h) AS "byHour",
       (SELECT coalesce(json_agg(m), '[]') FROM (
         SELECT to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM') AS month, sum(orders) AS orders, sum(total) AS "revenuePence"
         FROM sold GROUP BY 1 ORDER BY 1) m) AS "byMonth",
       (SELECT json_build_object('orders', count(confirmation_ms),
         'p50Ms', round(percentile_cont(0.5) WITHIN GROUP (ORDER BY confirmation_ms)),
         'p95Ms', round(percentile_cont(0.95) WITHIN GROUP (ORDER BY confirmation_ms))) FROM latest) AS confirmation`,
    [currency],
  )) as [Pick<Sales, 'placed' | 'byStatus' | 'byHour' | 'byMonth' | 'confirmation'> & { totals: Sales['totals'] }];
  const [sums] = (await manager.query(
    `WITH per_sku AS (SELECT sku, units, revenue FROM read.product_sales WHERE currency = $1 AND orders > 0)
     SELECT
       (SELECT json_build_object('customers', count(*), 'guestOrders', coalesce(sum(s.confirmed_orders) FILTER (WHERE c.guest), 0))
        FROM read.customer_spend s JOIN read.customers c USING (customer_id) WHERE s.currency = $1 AND s.confirmed_orders > 0) AS customers,
       (SELECT count(*)::integer FROM per_sku) AS skus,
       (SELECT coalesce(json_agg(c), '[]') FROM (
         SELECT customer_id AS "customerId", confirmed_orders AS orders, spend AS "spendPence"
         FROM read.customer_spend WHERE currency = $1 AND confirmed_orders > 0 ORDER BY spend DESC, customer_id LIMIT ${TOP}) c) AS top_customers,
       ${topProducts('revenue')} AS by_revenue,
       ${topProducts('units')} AS by_units`,
    [currency],
  )) as [
    {
      customers: Pick<Sales['totals'], 'customers' | 'guestOrders'>;
      skus: number;
      top_customers: Sales['topCustomersBySpend'];
      by_revenue: Sales['topProductsByRevenue'];
      by_units: Sales['topProductsByUnits'];
    },
  ];
  return {
    ...hours,
    totals: { ...hours.totals, ...sums.customers, skus: sums.skus },
    topProductsByRevenue: sums.by_revenue,
    topProductsByUnits: sums.by_units,
    topCustomersBySpend: sums.top_customers,
  };
}
