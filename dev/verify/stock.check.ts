import type { Database } from './database.js';
import { number, Violations, type Finding } from './finding.js';

/** One row a stock event: what it changes. */
const MOVES = `
  SELECT substring(stream_id FROM 7) AS sku, version, type, data ->> 'orderId' AS order_id,
    (data ->> 'quantity')::bigint AS quantity, (data ->> 'delta')::bigint AS delta
  FROM tidemark.events WHERE stream_id >= 'stock-' AND stream_id < 'stock.'`;

/**
 * I8: at no version of any SKU are there fewer than 0 pieces on hand or reserved, or more reserved than on hand; what was received,
 * adjusted and returned is on hand or shipped, as the read model says; and nothing is reserved for an order that has ended.
 */
export async function checkStock(database: Database): Promise<Finding> {
  const violations = new Violations();
  const impossible = await database.rows<{ sku: string; version: number; onHand: number; reserved: number }>(
    `SELECT DISTINCT ON (sku) sku, version, on_hand AS "onHand", reserved FROM (
       SELECT sku, version,
         sum(CASE type WHEN 'StockReceived' THEN quantity WHEN 'StockReturned' THEN quantity WHEN 'StockAdjusted' THEN delta
               WHEN 'StockShipped' THEN -quantity ELSE 0 END) OVER versions AS on_hand,
         sum(CASE type WHEN 'StockReserved' THEN quantity WHEN 'StockReleased' THEN -quantity WHEN 'StockShipped' THEN -quantity
               ELSE 0 END) OVER versions AS reserved
       FROM (${MOVES}) AS moves
       WINDOW versions AS (PARTITION BY sku ORDER BY version)
     ) AS running
     WHERE on_hand < 0 OR reserved < 0 OR reserved > on_hand
     ORDER BY sku, version`,
  );
  for (const { sku, version, onHand, reserved } of impossible) {
    violations.add(`stock-${sku}@${version}: ${onHand} on hand, ${reserved} reserved`);
  }

  const differing = await database.rows<Record<string, number | string | null>>(
    `SELECT sku, f.received, f.adjusted, f.returned, f.shipped, f.reserved, l.received AS "read_received", l.adjusted AS "read_adjusted", l.returned AS "read_returned", l.shipped AS "read_shipped",
       l.reserved AS "read_reserved"
     FROM (
       SELECT sku,
         coalesce(sum(quantity) FILTER (WHERE type = 'StockReceived'), 0)::bigint AS received,
         coalesce(sum(delta), 0)::bigint AS adjusted,
         coalesce(sum(quantity) FILTER (WHERE type = 'StockReturned'), 0)::bigint AS returned,
         coalesce(sum(quantity) FILTER (WHERE type = 'StockShipped'), 0)::bigint AS shipped,
         (coalesce(sum(quantity) FILTER (WHERE type = 'StockReserved'), 0)
           - coalesce(sum(quantity) FILTER (WHERE type IN ('StockReleased', 'StockShipped')), 0))::bigint AS reserved
       FROM (${MOVES}) AS moves GROUP BY sku
     ) AS f
     FULL JOIN read.stock_levels l USING (sku)
     WHERE (f.received, f.adjusted, f.returned, f.shipped, f.reserved, f.received + f.adjusted + f.returned - f.shipped)
       IS DISTINCT FROM (l.received, l.adjusted, l.returned, l.shipped, l.reserved, l.on_hand)
     ORDER BY sku`,
  );
  for (const row of differing) violations.add(`${row['sku']}: ${describe(row)}`);

  const orphans = await database.rows<{ sku: string; orderId: string; quantity: number; ended: string | null }>(
    `SELECT r.sku, r.order_id AS "orderId", r.quantity, o.type AS ended
     FROM (
       SELECT sku, order_id, sum(CASE type WHEN 'StockReserved' THEN quantity ELSE -quantity END)::bigint AS quantity
       FROM (${MOVES}) AS moves WHERE type IN ('StockReserved', 'StockReleased', 'StockShipped')
       GROUP BY sku, order_id
       HAVING sum(CASE type WHEN 'StockReserved' THEN quantity ELSE -quantity END) <> 0
     ) AS r
     LEFT JOIN LATERAL (
       SELECT type FROM tidemark.events WHERE stream_id = 'order-' || r.order_id ORDER BY version DESC LIMIT 1
     ) AS o ON true
     WHERE o.type IS DISTINCT FROM 'OrderPlaced'
     ORDER BY r.order_id, r.sku`,
  );
  for (const { sku, orderId, quantity, ended } of orphans) {
    violations.add(`order ${orderId}: ${quantity} of ${sku} are still reserved, though it is ${ended ?? 'unknown'}`);
  }

  const [counts] = await database.rows<{ skus: number; events: number; pieces: number }>(
    `SELECT count(DISTINCT sku) AS skus, count(*) AS events, coalesce(sum(quantity) FILTER (WHERE type = 'StockShipped'), 0)::bigint AS pieces
     FROM (${MOVES}) AS moves`,
  );
  return {
    checked: `${number(counts!.skus)} SKUs at each of ${number(counts!.events)} versions; ${number(counts!.pieces)} pieces shipped; read model agrees; no orphan reservation`,
    counts: { ...counts! },
    violations,
  };
}

function describe(row: Readonly<Record<string, number | string | null>>): string {
  if (row['read_received'] === null) return 'is not in the read model';
  if (row['received'] === null) return 'is in the read model and has no events';
  return ['received', 'adjusted', 'returned', 'shipped', 'reserved']
    .filter((column) => row[column] !== row[`read_${column}`])
    .map((column) => `${column} is ${row[column]} by its events and ${row[`read_${column}`]} in the read model`)
    .join('; ');
}
