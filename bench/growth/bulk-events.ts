import pg from 'pg';
import { DATA, OCCURRED_AT, TYPE } from '../append/append-load.js';

const STREAMS_A_STATEMENT = 20_000;

/** Fills the store as if so many streams of so many events had been appended and published long ago: no outbox rows, no commands. */
export async function fillStore(databaseUrl: string, streams: number, eventsEach: number): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query('SET synchronous_commit = off');
    const atOnce = Math.max(1, Math.floor(STREAMS_A_STATEMENT / eventsEach));
    for (let done = 0; done < streams; done += atOnce) await fill(client, Math.min(atOnce, streams - done), eventsEach);
    await client.query('ANALYZE tidemark.events, tidemark.streams');
    await client.query('CHECKPOINT');
  } finally {
    await client.end();
  }
}

async function fill(client: pg.Client, streams: number, eventsEach: number): Promise<void> {
  await client.query(
    `WITH head AS (
       INSERT INTO tidemark.streams (stream_id, version)
       SELECT 'stock-' || gen_random_uuid(), $2 FROM generate_series(1, $1) RETURNING stream_id
     )
     INSERT INTO tidemark.events (stream_id, version, event_id, type, schema_version, data, occurred_at, correlation_id, causation_id, actor)
     SELECT stream_id, version, gen_random_uuid(), $3, 1, $4, $5, gen_random_uuid(), gen_random_uuid(), 'bench'
       FROM head, generate_series(1, $2::int) AS version`,
    [streams, eventsEach, TYPE, JSON.stringify(DATA), OCCURRED_AT],
  );
}
