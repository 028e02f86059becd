import type { Database } from './database.js';
import { number, Violations, type Finding } from './finding.js';

/** I3: the versions of every stream run 1..n without a hole, and its head says n. */
export async function checkGaplessStreams(database: Database): Promise<Finding> {
  const violations = new Violations();
  const broken = await database.rows<{ stream: string; events: number; first: number | null; last: number | null; head: number | null }>(
    // A head at 0 without events is a lock somebody took before the first event.
    `SELECT stream_id AS stream, coalesce(e.events, 0) AS events, e.first, e.last, s.version AS head
     FROM (SELECT stream_id, count(*) AS events, min(version) AS first, max(version) AS last FROM tidemark.events GROUP BY stream_id) e
     FULL JOIN tidemark.streams s USING (stream_id)
     WHERE e.events <> e.last OR e.first <> 1 OR coalesce(e.last, 0) IS DISTINCT FROM s.version
     ORDER BY stream_id`,
  );
  for (const { stream, events, first, last, head } of broken) {
    violations.add(
      `${stream} holds ${events} events, versions ${first ?? 'none'} to ${last ?? 'none'}, and its head says ${head ?? 'nothing'}`,
    );
  }
  const [counts] = await database.rows<{ streams: number; events: number }>(
    `SELECT (SELECT count(*) FROM tidemark.streams WHERE version > 0) AS streams, (SELECT count(*) FROM tidemark.events) AS events`,
  );
  return {
    checked: `${number(counts!.streams)} streams with ${number(counts!.events)} events run 1..n`,
    counts: { ...counts! },
    violations,
  };
}
