import type { ClientBase } from 'pg';
import type { Applied } from '../projection/projection-writer.js';

/** Notes how far the live projections are, in the transaction that brought them there. `now`: the projector's clock. */
export async function saveProjectionStatus(client: ClientBase, { taken }: Applied, now: Date): Promise<void> {
  const entries = [...taken];
  if (entries.length === 0) return;
  await client.query({
    name: 'save read.projection_status',
    text: `INSERT INTO read.projection_status AS known (projection, events, newest_recorded_at, applied_at, lag_ms)
      SELECT projection, events, newest, $4, greatest(0, round(extract(epoch FROM $4::timestamptz - newest) * 1000))
      FROM unnest($1::text[], $2::bigint[], $3::timestamptz[]) AS batch (projection, events, newest)
      ON CONFLICT (projection) DO UPDATE SET events = known.events + excluded.events,
        newest_recorded_at = greatest(known.newest_recorded_at, excluded.newest_recorded_at),
        applied_at = excluded.applied_at, lag_ms = excluded.lag_ms`,
    values: [entries.map(([name]) => name), entries.map(([, { events }]) => events), entries.map(([, each]) => each.newestRecordedAt), now],
  });
}
