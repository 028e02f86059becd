import { PostgresDatabase, type Database } from '../../dev/verify/database.js';
import { HttpGatewayBook } from '../../dev/verify/gateway-book.js';
import { checkGaplessStreams } from '../../dev/verify/gapless-streams.check.js';
import { checkMoney } from '../../dev/verify/money.check.js';
import { checkSingleEffects } from '../../dev/verify/single-effects.check.js';
import type { SagaSettings } from './saga-load.js';

/** Each answers what must not be there. */
const NEVER = {
  'orders that are not confirmed exactly once': `
    SELECT count(*) AS found FROM (
      SELECT stream_id FROM tidemark.events WHERE stream_id >= 'order-' AND stream_id < 'order.'
      GROUP BY stream_id HAVING array_agg(type ORDER BY version) <> '{OrderPlaced,OrderConfirmed}'
    ) AS wrong`,
  'versions of stock below zero, or reserved beyond what is there': `
    SELECT count(*) AS found FROM (
      SELECT sum(CASE type WHEN 'StockReceived' THEN quantity WHEN 'StockShipped' THEN -quantity ELSE 0 END) OVER versions AS on_hand,
        sum(CASE type WHEN 'StockReserved' THEN quantity WHEN 'StockShipped' THEN -quantity ELSE 0 END) OVER versions AS reserved
      FROM (
        SELECT stream_id, version, type, (data ->> 'quantity')::bigint AS quantity FROM tidemark.events
        WHERE stream_id >= 'stock-' AND stream_id < 'stock.'
      ) AS moves
      WINDOW versions AS (PARTITION BY stream_id ORDER BY version)
    ) AS running WHERE on_hand < 0 OR reserved < 0 OR reserved > on_hand`,
  'lines that were not reserved once and shipped once': `
    SELECT count(*) AS found FROM (
      SELECT stream_id, data ->> 'orderId' FROM tidemark.events
      WHERE stream_id >= 'stock-' AND stream_id < 'stock.' AND type <> 'StockReceived'
      GROUP BY 1, 2 HAVING array_agg(type ORDER BY version) <> '{StockReserved,StockShipped}'
    ) AS wrong`,
  'events without an outbox row': `
    SELECT count(*) AS found FROM tidemark.events e WHERE NOT EXISTS (SELECT FROM tidemark.outbox o WHERE o.position = e.position)`,
  'fulfilments that still owe something': 'SELECT count(*) AS found FROM tidemark.fulfilment_work',
};

/** What the sagas wrote keeps the invariants. @throws Error that names those it does not keep */
export async function verifySagas({ databaseUrl, gatewayUrl }: SagaSettings): Promise<void> {
  const database = new PostgresDatabase(databaseUrl);
  try {
    await verifyNever(database, NEVER);
    const findings = [
      await checkGaplessStreams(database),
      await checkSingleEffects(database),
      await checkMoney(database, new HttpGatewayBook(gatewayUrl)),
    ];
    const broken = findings.flatMap(({ violations }) => violations.kept);
    if (broken.length > 0) throw new Error(`what the benchmark wrote does not verify: ${broken.slice(0, 5).join('; ')}`);
  } finally {
    await database.close();
  }
}

const DBOS_NEVER = {
  'orders that are not confirmed': `SELECT count(*) AS found FROM shop.orders WHERE status <> 'confirmed'`,
  'stock that differs from what was ordered': `
    SELECT count(*) AS found FROM shop.stock s LEFT JOIN (
      SELECT sku, sum(quantity) AS quantity FROM shop.order_lines GROUP BY sku
    ) AS ordered USING (sku)
    WHERE s.reserved <> 0 OR s.shipped <> coalesce(ordered.quantity, 0) OR s.on_hand + s.shipped <> s.received`,
  'workflows that did not succeed': `SELECT count(*) AS found FROM dbos.workflow_status WHERE status <> 'SUCCESS'`,
};

/** The same of the peer's own tables. */
export async function verifyDbos({ databaseUrl, gatewayUrl }: SagaSettings): Promise<void> {
  const database = new PostgresDatabase(databaseUrl);
  try {
    await verifyNever(database, DBOS_NEVER);
    const captured = new Set<string>();
    for await (const { reference, status } of new HttpGatewayBook(gatewayUrl).payments())
      if (status === 'captured') captured.add(reference);
    const orders = await database.rows<{ id: string }>('SELECT order_id AS id FROM shop.orders');
    const unpaid = orders.filter(({ id }) => !captured.has(id)).length;
    if (unpaid > 0) throw new Error(`what DBOS wrote does not verify: ${unpaid} orders were not paid`);
  } finally {
    await database.close();
  }
}

async function verifyNever(database: Database, never: Readonly<Record<string, string>>): Promise<void> {
  for (const [what, sql] of Object.entries(never)) {
    const [row] = await database.rows<{ found: number }>(sql);
    if (row?.found !== 0) throw new Error(`what the benchmark wrote does not verify: ${row?.found ?? '?'} ${what}`);
  }
}
