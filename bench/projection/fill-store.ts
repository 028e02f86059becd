import pg from 'pg';
import { uuidOf } from '../../libs/read-models/testing/events.js';
import { inBatches, trade } from './trade.js';

const BATCH = 5_000;

const EVENTS = `
  INSERT INTO tidemark.events (stream_id, version, event_id, type, schema_version, data, occurred_at, recorded_at, correlation_id, causation_id, actor)
  SELECT stream_id, version, event_id, type, 1, data::jsonb, occurred_at::timestamptz, recorded_at::timestamptz, $8::uuid, $8::uuid, 'bench'
    FROM unnest($1::text[], $2::integer[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[])
         AS e (stream_id, version, event_id, type, data, occurred_at, recorded_at)`;

const HEADS = 'INSERT INTO tidemark.streams (stream_id, version) SELECT stream_id, max(version) FROM tidemark.events GROUP BY stream_id';

/** Puts a trade of so many orders into an empty store, as it would lie there. Answers how many events that are. */
export async function fillStore(databaseUrl: string, orders: number): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl, options: '-c synchronous_commit=off' });
  await client.connect();
  let count = 0;
  try {
    for (const events of inBatches(trade(orders), BATCH)) {
      count += events.length;
      await client.query({
        name: 'fill',
        text: EVENTS,
        values: [
          events.map(({ streamId }) => streamId),
          events.map(({ version }) => version),
          events.map(({ id }) => id),
          events.map(({ type }) => type),
          events.map(({ data }) => JSON.stringify(data)),
          events.map(({ occurredAt }) => occurredAt),
          events.map(({ recordedAt }) => recordedAt),
          uuidOf('bench'),
        ],
      });
    }
    await client.query(HEADS);
    await client.query('VACUUM ANALYZE tidemark.events');
    await client.query('CHECKPOINT');
  } finally {
    await client.end();
  }
  return count;
}
