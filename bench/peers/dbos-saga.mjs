import { DBOS } from '@dbos-inc/dbos-sdk';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { Pool as HttpPool } from 'undici';
import { CURRENCY, linesOf, ON_HAND, PAYMENT_TOKEN, SKUS, skuOf, UNIT_PRICE } from '../../dist/bench/saga/saga-load.js';

/** The best of 16 to 128 workflows at a time, and of 10 to 40 connections. */
const IN_FLIGHT = 64;
const CONNECTIONS = 20;

const TABLES = `
  CREATE SCHEMA shop;
  CREATE TABLE shop.stock (
    sku text COLLATE "C" PRIMARY KEY, received bigint NOT NULL, on_hand bigint NOT NULL, reserved bigint NOT NULL DEFAULT 0,
    shipped bigint NOT NULL DEFAULT 0, CHECK (reserved BETWEEN 0 AND on_hand)
  ) WITH (fillfactor = 70);
  CREATE TABLE shop.orders (order_id uuid PRIMARY KEY, status text NOT NULL, total bigint NOT NULL) WITH (fillfactor = 70);
  CREATE TABLE shop.order_lines (order_id uuid, sku text COLLATE "C", quantity bigint NOT NULL, PRIMARY KEY (order_id, sku));`;

/**
 * A step each, with its effect in one statement: a step that is carried out again after a crash finds the order further on and changes
 * nothing. Lines are locked in one order, so that orders with SKUs in common wait for each other instead of meeting in a deadlock.
 */
const stepOf = (name, from, to, change) => ({
  name: `shop-${name}`,
  text: `
    WITH moved AS (
      UPDATE shop.orders SET status = '${to}' WHERE order_id = $1 AND status = '${from}' RETURNING order_id
    ), locked AS (
      SELECT s.sku, l.quantity FROM moved JOIN shop.order_lines l USING (order_id) JOIN shop.stock s USING (sku) ORDER BY s.sku FOR UPDATE OF s
    )
    UPDATE shop.stock s SET ${change} FROM locked WHERE s.sku = locked.sku`,
});
const RESERVE = stepOf('reserve', 'placed', 'reserved', 'reserved = reserved + locked.quantity');
const CONFIRM = stepOf(
  'confirm',
  'reserved',
  'confirmed',
  'reserved = reserved - locked.quantity, on_hand = on_hand - locked.quantity, shipped = shipped + locked.quantity',
);

/** As its documentation says: a registered workflow of three durable steps, started in process, its own pool of connections enlarged. */
export async function open({ databaseUrl, gatewayUrl }) {
  const shop = new pg.Pool({ connectionString: databaseUrl, max: CONNECTIONS });
  const gateway = new HttpPool(gatewayUrl, { connections: 32 });
  await shop.query(TABLES);
  await shop.query('INSERT INTO shop.stock (sku, received, on_hand) SELECT sku, $2, $2 FROM unnest($1::text[]) AS sku', [
    Array.from({ length: SKUS }, (_, index) => skuOf(index)),
    ON_HAND,
  ]);

  const call = async (path, key, body) => {
    const { statusCode, body: answer } = await gateway.request({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
    });
    await answer.text();
    if (statusCode >= 300) throw new Error(`the gateway answered ${statusCode}`);
  };
  const charge = async (orderId, amount) => {
    const sum = { amount, currency: CURRENCY };
    await call('/payments', `${orderId}:authorize`, { reference: orderId, ...sum, token: PAYMENT_TOKEN });
    await call(`/payments/${orderId}/capture`, `${orderId}:capture`, sum);
  };
  const change = async (statement, orderId) => {
    await shop.query({ ...statement, values: [orderId] });
  };
  const fulfil = DBOS.registerWorkflow(
    async (orderId, amount) => {
      await DBOS.runStep(() => change(RESERVE, orderId), { name: 'reserve' });
      await DBOS.runStep(() => charge(orderId, amount), { name: 'charge' });
      await DBOS.runStep(() => change(CONFIRM, orderId), { name: 'confirm' });
    },
    { name: 'fulfil' },
  );
  DBOS.setConfig({ name: 'shop', systemDatabaseUrl: databaseUrl, systemDatabasePoolSize: CONNECTIONS, logLevel: 'error' });
  await DBOS.launch();

  let placed = 0;
  return {
    round: async (load) => {
      const backlog = await placeOrders(shop, load, placed);
      placed += load.orders;
      const startedAt = performance.now();
      const worker = async () => {
        for (let order = backlog.pop(); order !== undefined; order = backlog.pop()) {
          const handle = await DBOS.startWorkflow(fulfil, { workflowID: order.id })(order.id, order.total);
          await handle.getResult();
        }
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
      return { perSecond: load.orders / ((performance.now() - startedAt) / 1_000) };
    },
    close: async () => {
      await DBOS.shutdown();
      await shop.end();
      await gateway.close();
    },
  };
}

async function placeOrders(shop, load, first) {
  const orders = Array.from({ length: load.orders }, (_, index) => {
    const lines = linesOf(first + index, load);
    return { id: randomUUID(), lines, total: lines.reduce((sum, { quantity }) => sum + quantity * UNIT_PRICE, 0) };
  });
  await shop.query(
    `INSERT INTO shop.orders (order_id, status, total) SELECT id, 'placed', total FROM unnest($1::uuid[], $2::bigint[]) AS o (id, total)`,
    [orders.map(({ id }) => id), orders.map(({ total }) => total)],
  );
  const lines = orders.flatMap(({ id, lines: all }) => all.map((line) => ({ id, ...line })));
  await shop.query('INSERT INTO shop.order_lines SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[])', [
    lines.map(({ id }) => id),
    lines.map(({ sku }) => sku),
    lines.map(({ quantity }) => quantity),
  ]);
  return orders;
}
