import pg from 'pg';
import { DATA, OCCURRED_AT } from '../append/append-load.js';

const EVENTS_A_STATEMENT = 200_000;

/** The nth stream of a filled store, from 0. */
export const streamNumber = (n: number): string => `stock-bench${n}`;

/**
 * Fills the store as if the streams from `first` to before `last` had so many events each, appended and published long ago: no outbox
 * rows, no commands.
 */
export async function fillStore(
  databaseUrl: string,
  { first, last, eventsEach }: { first: number; last: number; eventsEach: number },
): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('SET synchronous_commit = off');
    const atOnce = Math.max(1, Math.floor(EVENTS_A_STATEMENT / eventsEach));
    for (let from = first; from < last; from += atOnce) await fill(client, from, Math.min(from + atOnce, last), eventsEach);
    await client.query('VACUUM ANALYZE tidemark.events, tidemark.streams');
    await client.query('CHECKPOINT');
  } finally {
    await client.end();
  }
}

async function fill(client: pg.Client, from: number, to: number, eventsEach: number): Promise<void> {
  await client.query(
    `WITH head AS (
       INSERT INTO tidemark.streams (stream_id, version)
       SELECT 'stock-bench' || n, $3 FROM generate_series($1::int, $2::int - 1) AS n RETURNING stream_id
     )
     INSERT INTO tidemark.events (stream_id, version, event_id, type, schema_version, data, occurred_at, correlation_id, causation_id, actor)
     SELECT stream_id, version, gen_random_uuid(), 'StockReceived', 1, $4, $5, gen_random_uuid(), gen_random_uuid(), 'bench'
       FROM head, generate_series(1, $3::int) AS version`,
    [from, to, eventsEach, JSON.stringify(DATA), OCCURRED_AT],
  );
}
