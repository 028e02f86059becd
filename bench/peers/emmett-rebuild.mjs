import { literal, SQL } from '@event-driven-io/dumbo';
import { getPostgreSQLEventStore, postgreSQLRawSQLProjection, rebuildPostgreSQLProjections } from '@event-driven-io/emmett-postgresql';
import pg from 'pg';
import { inBatches, trade } from '../../dist/bench/projection/trade.js';

/** No pause between batches, and few of them, as each reads all messages; by default they are of 100, with 50 ms between them. */
const PULLING = { batchSize: 5_000, pullingFrequencyInMs: 1 };

const TABLES = `
  CREATE TABLE stock_levels (
    sku text COLLATE "C" PRIMARY KEY, reserved bigint NOT NULL, received bigint NOT NULL, shipped bigint NOT NULL, updated_at timestamptz NOT NULL,
    version integer NOT NULL);
  CREATE TABLE orders (
    order_id text COLLATE "C" PRIMARY KEY, status text NOT NULL, customer_id text NOT NULL, country text, currency text NOT NULL,
    total bigint NOT NULL, line_count integer NOT NULL, units bigint NOT NULL, placed_at timestamptz NOT NULL, confirmed_at timestamptz,
    version integer NOT NULL);
  CREATE INDEX ON orders (placed_at, order_id);
  CREATE INDEX ON orders (status, placed_at, order_id);
  CREATE INDEX ON orders (customer_id, placed_at, order_id);
  CREATE TABLE order_lines (
    order_id text COLLATE "C", line_no integer, sku text NOT NULL, description text, quantity bigint NOT NULL, unit_price bigint NOT NULL,
    PRIMARY KEY (order_id, line_no));
  CREATE INDEX ON order_lines (sku, order_id);
  CREATE TABLE order_history (
    order_id text COLLATE "C", version integer, status text NOT NULL, event_id uuid NOT NULL, recorded_at timestamptz NOT NULL,
    PRIMARY KEY (order_id, version));`;

const stock = postgreSQLRawSQLProjection({
  name: 'stock_levels',
  canHandle: ['StockReceived', 'StockReserved', 'StockShipped'],
  evolve: ({ type, data: { sku, quantity }, metadata }) => {
    const received = type === 'StockReceived' ? quantity : 0;
    const reserved = type === 'StockReserved' ? quantity : type === 'StockShipped' ? -quantity : 0;
    const shipped = type === 'StockShipped' ? quantity : 0;
    return SQL`INSERT INTO stock_levels AS known VALUES (${literal(sku)}, ${reserved}, ${received}, ${shipped}, ${literal(metadata.recordedAt)},
                 ${metadata.streamPosition})
      ON CONFLICT (sku) DO UPDATE SET reserved = known.reserved + excluded.reserved, received = known.received + excluded.received,
        shipped = known.shipped + excluded.shipped, updated_at = excluded.updated_at, version = excluded.version`;
  },
});

/** The lines of an order go in with one statement. */
const orders = postgreSQLRawSQLProjection({
  name: 'orders',
  canHandle: ['OrderPlaced', 'OrderConfirmed'],
  evolve: ({ type, data, metadata }) => {
    const id = literal(data.orderId);
    const history = SQL`INSERT INTO order_history VALUES (${id}, ${metadata.streamPosition},
      ${literal(type === 'OrderPlaced' ? 'placed' : 'confirmed')}, ${literal(metadata.messageId)}, ${literal(metadata.recordedAt)})`;
    if (type === 'OrderConfirmed') {
      const confirmed = SQL`UPDATE orders SET status = 'confirmed', confirmed_at = ${literal(metadata.occurredAt)}, version = 2
        WHERE order_id = ${id}`;
      return [confirmed, history];
    }
    const { customer, currency, total, lines } = data;
    const units = lines.reduce((sum, { quantity }) => sum + quantity, 0);
    return [
      SQL`INSERT INTO orders VALUES (${id}, 'placed', ${literal(customer.id)}, ${literal(customer.country)}, ${literal(currency)}, ${total},
            ${lines.length}, ${units}, ${literal(metadata.occurredAt)}, NULL, 1)`,
      SQL`INSERT INTO order_lines SELECT ${id}, r.* FROM jsonb_to_recordset(${literal(JSON.stringify(lines))})
            AS r ("lineNo" integer, sku text, description text, quantity bigint, "unitPrice" bigint)`,
      history,
    ];
  },
});

/** What its raw SQL projections drop, a rebuild needs: how to begin again. */
const projections = [
  { ...stock, truncate: ({ execute }) => execute.command(SQL`TRUNCATE stock_levels`) },
  { ...orders, truncate: ({ execute }) => execute.command(SQL`TRUNCATE orders, order_lines, order_history`) },
];

/**
 * As its documentation rebuilds: raw SQL projections, which save a Pongo projection's reading of each document. (Its batch projections
 * are no faster here: a rebuild hands them one event at a time, and notes a checkpoint after each.)
 */
export async function open({ databaseUrl, orders: count }) {
  const store = getPostgreSQLEventStore(databaseUrl);
  await store.schema.migrate();
  await store.close();
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const events = await fill(client, count);
  return {
    round: async () => {
      // It goes on from where the last rebuild of that name ended, if it finds where that was.
      await client.query('DELETE FROM emt_processors');
      const startedAt = performance.now();
      const rebuild = rebuildPostgreSQLProjections({ connectionString: databaseUrl, projections, pulling: PULLING });
      await rebuild.start();
      const seconds = (performance.now() - startedAt) / 1_000;
      await rebuild.close();
      await check(client, count);
      return { perSecond: events / seconds };
    },
    close: () => client.end(),
  };
}

/** The rows that its own append would have written. */
async function fill(client, count) {
  await client.query(TABLES);
  let filled = 0;
  for (const events of inBatches(trade(count), 5_000)) {
    filled += events.length;
    await client.query(
      `INSERT INTO emt_messages (stream_id, stream_position, message_id, message_type, message_data, message_metadata, message_schema_version, transaction_id)
       SELECT *, '1', pg_current_xact_id() FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[])`,
      [
        events.map(({ streamId }) => streamId),
        events.map(({ version }) => version),
        events.map(({ id }) => id),
        events.map(({ type }) => type),
        events.map(({ data }) => JSON.stringify(data)),
        events.map(({ occurredAt, recordedAt, actor }) => JSON.stringify({ occurredAt, recordedAt, actor })),
      ],
    );
  }
  await client.query('VACUUM ANALYZE emt_messages');
  await client.query('CHECKPOINT');
  return filled;
}

async function check(client, count) {
  const { rows: found } = await client.query(
    `SELECT (SELECT count(*) FROM orders WHERE status = 'confirmed')::int AS orders,
            (SELECT sum(shipped) FROM stock_levels)::int AS shipped, (SELECT sum(quantity) FROM order_lines)::int AS ordered`,
  );
  const [{ orders: confirmed, shipped, ordered }] = found;
  if (confirmed !== count || shipped !== ordered) throw new Error(`its rebuild is not what it should be: ${JSON.stringify(found)}`);
}
