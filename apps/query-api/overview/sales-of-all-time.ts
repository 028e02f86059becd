import { TOP, type Sales } from './overview.answers.js';
import { STANDING, type Standing } from './standing-figures.js';
import { topProducts } from './top-products.js';

const MAX_HOURS = 744;
/** Orders whose confirmation times are looked at: percentiles of all of them would need all of them. */
const LAST_ORDERS = 10_000;

/** A row of {@link OVERVIEW_OF_ALL_TIME}: its totals in three parts. */
export interface OverviewRow extends Omit<Sales, 'totals'>, Standing {
  readonly sold: Omit<Sales['totals'], 'customers' | 'guestOrders' | 'skus'>;
  readonly buyers: Pick<Sales['totals'], 'customers' | 'guestOrders'>;
  readonly skus: number;
}

/**
 * The figures of all time in the currency $1, from running sums, so that it costs the same however many orders there are: hours,
 * customers and products, not orders. All of it in one statement: as five in a transaction it took nine round trips.
 */
export const OVERVIEW_OF_ALL_TIME = `
  WITH hours AS MATERIALIZED (SELECT * FROM read.overview_hours WHERE currency = $1 AND orders > 0),
    sold AS (SELECT * FROM hours WHERE status = 'confirmed'),
    latest AS (
      SELECT confirmation_ms FROM (SELECT confirmation_ms, currency FROM read.overview_orders ORDER BY placed_at DESC LIMIT ${LAST_ORDERS}) o
      WHERE currency = $1),
    per_sku AS (SELECT sku, units, revenue FROM read.product_sales WHERE currency = $1 AND orders > 0)
  SELECT
    (SELECT json_build_object('orders', coalesce(sum(orders), 0), 'lines', coalesce(sum(lines), 0), 'units', coalesce(sum(units), 0),
      'revenuePence', coalesce(sum(total), 0)) FROM sold) AS sold,
    (SELECT json_build_object('orders', coalesce(sum(orders), 0), 'lines', coalesce(sum(lines), 0), 'units', coalesce(sum(units), 0),
      'totalPence', coalesce(sum(total), 0)) FROM hours) AS placed,
    (SELECT coalesce(json_agg(s), '[]') FROM (
      SELECT status, sum(orders) AS orders, sum(lines) AS lines, sum(units) AS units, sum(total) AS "totalPence"
      FROM hours GROUP BY status ORDER BY status) s) AS "byStatus",
    (SELECT coalesce(json_agg(h ORDER BY h.hour), '[]') FROM (
      SELECT to_char(hour AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.000"Z"') AS hour, orders, total AS "revenuePence"
      FROM (SELECT * FROM sold ORDER BY hour DESC LIMIT ${MAX_HOURS}) newest) h) AS "byHour",
    (SELECT coalesce(json_agg(m), '[]') FROM (
      SELECT to_char(month, 'YYYY-MM') AS month, orders, "revenuePence" FROM (
        SELECT date_trunc('month', hour AT TIME ZONE 'UTC') AS month, sum(orders) AS orders, sum(total) AS "revenuePence"
        FROM sold GROUP BY 1) months ORDER BY 1) m) AS "byMonth",
    (SELECT json_build_object('orders', count(confirmation_ms),
      'p50Ms', round(percentile_cont(0.5) WITHIN GROUP (ORDER BY confirmation_ms)),
      'p95Ms', round(percentile_cont(0.95) WITHIN GROUP (ORDER BY confirmation_ms))) FROM latest) AS confirmation,
    (SELECT json_build_object('customers', count(*), 'guestOrders', coalesce(sum(s.confirmed_orders) FILTER (WHERE c.guest), 0))
     FROM read.customers c JOIN read.customer_spend s USING (customer_id) WHERE s.currency = $1 AND s.confirmed_orders > 0) AS buyers,
    (SELECT count(*)::integer FROM per_sku) AS skus,
    ${topProducts('revenue')} AS "topProductsByRevenue",
    ${topProducts('units')} AS "topProductsByUnits",
    (SELECT coalesce(json_agg(c), '[]') FROM (
      SELECT customer_id AS "customerId", confirmed_orders AS orders, spend AS "spendPence"
      FROM read.customer_spend WHERE currency = $1 AND confirmed_orders > 0 ORDER BY spend DESC, customer_id LIMIT ${TOP}) c) AS "topCustomersBySpend",
    ${STANDING}`;

export const salesOf = ({ sold, buyers, skus, ...sales }: OverviewRow): Sales & Standing => ({
  totals: { ...sold, ...buyers, skus },
  ...sales,
});
