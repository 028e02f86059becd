import { literal, SQL } from '@event-driven-io/dumbo';
import {
  getPostgreSQLEventStore,
  postgreSQLRawBatchSQLProjection,
  postgreSQLRawSQLProjection,
  rebuildPostgreSQLProjections,
} from '@event-driven-io/emmett-postgresql';
import pg from 'pg';
import { inBatches, trade } from '../../dist/bench/projection/trade.js';

/** The fastest we found, and no pause between batches; by default they are of 100, with 50 ms between them. */
const PULLING = { batchSize: 5_000, pullingFrequencyInMs: 1 };
const STOCK = ['StockReceived', 'StockReserved', 'StockShipped'];

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

/** As documented: each event says what it does to the tables. */
const eachStock = postgreSQLRawSQLProjection({
  name: 'stock_levels',
  canHandle: STOCK,
  evolve: ({ type, data: { sku, quantity }, metadata }) => {
    const received = type === 'StockReceived' ? quantity : 0;
    const reserved = type === 'StockReserved' ? quantity : type === 'StockShipped' ? -quantity : 0;
    const shipped = type === 'StockShipped' ? quantity : 0;
    return SQL`INSERT INTO stock_levels AS known VALUES (${literal(sku)}, ${reserved}, ${received}, ${shipped}, ${literal(metadata.recordedAt)},
                 ${metadata.streamPosition})
      ON CONFLICT (sku) DO UPDATE SET reserved = known.reserved + excluded.reserved, received = known.received + excluded.received,
        shipped = known.shipped + excluded.shipped, updated_at = excluded.updated_at, version = excluded.version`;
  },
  truncate: ({ execute }) => execute.command(SQL`TRUNCATE stock_levels`),
});

const eachOrder = postgreSQLRawSQLProjection({
  name: 'orders',
  canHandle: ['OrderPlaced', 'OrderConfirmed'],
  evolve: (event) => statementsOf([event]),
  truncate: ({ execute }) => execute.command(SQL`TRUNCATE orders, order_lines, order_history`),
});

/** The movements of a batch, added up by SKU, in one statement. */
const stock = postgreSQLRawBatchSQLProjection({
  name: 'stock_levels',
  canHandle: STOCK,
  evolve: (events) => {
    const levels = new Map();
    for (const { type, data, metadata } of events) {
      const level = levels.get(data.sku) ?? { sku: data.sku, reserved: 0, received: 0, shipped: 0 };
      if (type === 'StockReceived') level.received += data.quantity;
      else if (type === 'StockReserved') level.reserved += data.quantity;
      else [level.reserved, level.shipped] = [level.reserved - data.quantity, level.shipped + data.quantity];
      level.updated_at = metadata.recordedAt;
      level.version = Number(metadata.streamPosition);
      levels.set(data.sku, level);
    }
    return [
      SQL`INSERT INTO stock_levels AS known SELECT * FROM jsonb_to_recordset(${rows([...levels.values()])})
            AS r (sku text, reserved bigint, received bigint, shipped bigint, updated_at timestamptz, version integer)
          ON CONFLICT (sku) DO UPDATE SET reserved = known.reserved + excluded.reserved, received = known.received + excluded.received,
            shipped = known.shipped + excluded.shipped, updated_at = excluded.updated_at, version = excluded.version`,
    ];
  },
  truncate: ({ execute }) => execute.command(SQL`TRUNCATE stock_levels`),
});

/** The orders, lines and changes of status of a batch, each in one statement. */
const orders = postgreSQLRawBatchSQLProjection({
  name: 'orders',
  canHandle: ['OrderPlaced', 'OrderConfirmed'],
  evolve: statementsOf,
  truncate: ({ execute }) => execute.command(SQL`TRUNCATE orders, order_lines, order_history`),
});

function statementsOf(events) {
  const placed = events.filter(({ type }) => type === 'OrderPlaced');
  const confirmed = events.filter(({ type }) => type === 'OrderConfirmed');
  const headers = placed.map(({ data, metadata }) => ({
    order_id: data.orderId,
    status: 'placed',
    customer_id: data.customer.id,
    country: data.customer.country,
    currency: data.currency,
    total: data.total,
    line_count: data.lines.length,
    units: data.lines.reduce((units, { quantity }) => units + quantity, 0),
    placed_at: metadata.occurredAt,
    version: 1,
  }));
  const lines = placed.flatMap(({ data }) =>
    data.lines.map(({ lineNo, sku, description, quantity, unitPrice }) => ({
      order_id: data.orderId,
      line_no: lineNo,
      sku,
      description,
      quantity,
      unit_price: unitPrice,
    })),
  );
  const history = events.map(({ type, data, metadata }) => ({
    order_id: data.orderId,
    version: Number(metadata.streamPosition),
    status: type === 'OrderPlaced' ? 'placed' : 'confirmed',
    event_id: metadata.messageId,
    recorded_at: metadata.recordedAt,
  }));
  const confirmations = confirmed.map(({ data, metadata }) => ({ order_id: data.orderId, confirmed_at: metadata.occurredAt }));
  return [
    ...(placed.length > 0
      ? [
          SQL`INSERT INTO orders SELECT * FROM jsonb_to_recordset(${rows(headers)})
                AS r (order_id text, status text, customer_id text, country text, currency text, total bigint, line_count integer,
                      units bigint, placed_at timestamptz, confirmed_at timestamptz, version integer)`,
          SQL`INSERT INTO order_lines SELECT * FROM jsonb_to_recordset(${rows(lines)})
                AS r (order_id text, line_no integer, sku text, description text, quantity bigint, unit_price bigint)`,
        ]
      : []),
    SQL`INSERT INTO order_history SELECT * FROM jsonb_to_recordset(${rows(history)})
          AS r (order_id text, version integer, status text, event_id uuid, recorded_at timestamptz)`,
    ...(confirmed.length > 0
      ? [
          SQL`UPDATE orders SET status = 'confirmed', confirmed_at = r.confirmed_at, version = 2
              FROM jsonb_to_recordset(${rows(confirmations)}) AS r (order_id text, confirmed_at timestamptz)
              WHERE orders.order_id = r.order_id`,
        ]
      : []),
  ];
}

const rows = (values) => literal(JSON.stringify(values));

/**
 * As its documentation rebuilds, with raw SQL projections: of an event each, or (`combined`) of a batch, folded and written together by
 * hand, which is the fastest that can be had. Readers see the tables empty and half-filled meanwhile.
 */
export async function open({ databaseUrl, orders: count, combined }) {
  const projections = combined ? [stock, orders] : [eachStock, eachOrder];
  const store = getPostgreSQLEventStore(databaseUrl);
  await store.schema.migrate();
  await store.close();
  const events = await fill(databaseUrl, count);
  return {
    round: async () => {
      const startedAt = performance.now();
      const rebuild = rebuildPostgreSQLProjections({ connectionString: databaseUrl, projections, pulling: PULLING });
      await rebuild.start();
      const seconds = (performance.now() - startedAt) / 1_000;
      await rebuild.close();
      await check(databaseUrl, count);
      return { perSecond: events / seconds };
    },
    close: () => Promise.resolve(),
  };
}

/** The rows that its own append would have written. */
async function fill(databaseUrl, count) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
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
  await client.end();
  return filled;
}

async function check(databaseUrl, count) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows: found } = await client.query(
    `SELECT (SELECT count(*) FROM orders WHERE status = 'confirmed')::int AS orders,
            (SELECT sum(shipped) FROM stock_levels)::int AS shipped, (SELECT sum(quantity) FROM order_lines)::int AS ordered`,
  );
  await client.end();
  const [{ orders: confirmed, shipped, ordered }] = found;
  if (confirmed !== count || shipped !== ordered) throw new Error(`its rebuild is not what it should be: ${JSON.stringify(found)}`);
}
