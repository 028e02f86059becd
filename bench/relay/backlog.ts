import pg from 'pg';

/** Of one stream, one event after the other, with the other streams' between them. */
const EVENTS_A_STREAM = 10;
/** Rows a transaction. */
const CHUNK = 50_000;

/** Streams of every category and their versions, as arguments 1 (of the first row) and 2 (rows). */
const SOURCE = `
  SELECT (ARRAY['order', 'stock', 'payment', 'fulfilment'])[1 + stream % 4] AS category, md5('stream ' || $1 || '/' || stream)::uuid AS key,
    n / streams + 1 AS version,
    jsonb_build_object('sku', '85123A', 'orderId', n::text, 'quantity', 6, 'unitPrice', 255, 'description', 'WHITE HANGING HEART T-LIGHT HOLDER') AS data
  FROM (SELECT n, streams, n % streams AS stream FROM generate_series(0, $2::int - 1) AS n, (SELECT $2::int / ${EVENTS_A_STREAM} AS streams) AS s) AS each
  ORDER BY n`;

const EVENTS_AND_OUTBOX = `
  WITH source AS MATERIALIZED (${SOURCE}),
  head AS (
    INSERT INTO tidemark.streams (stream_id, version) SELECT category || '-' || key, max(version) FROM source GROUP BY 1
  ), event AS (
    INSERT INTO tidemark.events (stream_id, version, event_id, type, schema_version, data, occurred_at, correlation_id, causation_id, actor, command_id)
    SELECT category || '-' || key, version, gen_random_uuid(), 'StockReserved', 1, data, now(), key, key, 'bench', key FROM source
    RETURNING position, stream_id
  )
  INSERT INTO tidemark.outbox (shard, position, stream_id)
  SELECT (hashtextextended(stream_id, 0) & 15)::smallint, position, stream_id FROM event`;

/** @public The columns that Debezium's documentation gives an outbox, and the rest of what our messages carry as headers. */
export const DEBEZIUM_OUTBOX = `
  CREATE TABLE outbox (
    id uuid PRIMARY KEY, aggregatetype varchar(255) NOT NULL, aggregateid varchar(255) NOT NULL, type varchar(255) NOT NULL, payload jsonb NOT NULL,
    version integer NOT NULL, schema_version smallint NOT NULL, occurred_at timestamptz(3) NOT NULL,
    recorded_at timestamptz(3) NOT NULL DEFAULT clock_timestamp(),
    correlation_id uuid NOT NULL, causation_id uuid NOT NULL, actor text NOT NULL, command_id uuid
  )`;

const DEBEZIUM_ROWS = `
  INSERT INTO outbox (id, aggregatetype, aggregateid, type, payload, version, schema_version, occurred_at, correlation_id, causation_id, actor, command_id)
  SELECT gen_random_uuid(), category, category || '-' || key, 'StockReserved', data, version, 1, now(), key, key, 'bench', key FROM (${SOURCE}) AS source`;

/** As many events, each with its outbox row. */
export const fillOutbox = (databaseUrl: string, rows: number): Promise<void> => fill(databaseUrl, rows, EVENTS_AND_OUTBOX);

/** @public The same events as rows of an outbox that carries them itself, as Debezium wants it. */
export const fillDebeziumOutbox = (databaseUrl: string, rows: number): Promise<void> => fill(databaseUrl, rows, DEBEZIUM_ROWS);

async function fill(databaseUrl: string, rows: number, insert: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    for (let done = 0; done < rows; done += CHUNK) await client.query(insert, [done, Math.min(CHUNK, rows - done)]);
  } finally {
    await client.end();
  }
}
