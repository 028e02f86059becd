import type { Database } from './database.js';
import { number, Violations, type Finding } from './finding.js';

/**
 * I2: whatever caused something (a command, or an event that was consumed) caused it once, however often it was delivered.
 * - no two events of an order, stock or payment stream have the same cause and say the same
 * - no step of a fulfilment is completed twice, and none is started twice (a step may be dispatched again)
 * - no idempotency key belongs to two commands
 */
export async function checkSingleEffects(database: Database): Promise<Finding> {
  const violations = new Violations();
  // Compared by content only where cause, stream and type are the same: hashing a million payloads is not needed.
  const repeated = await database.rows<{ cause: string; stream: string; type: string; versions: number[] }>(
    `SELECT e.causation_id AS cause, e.stream_id AS stream, e.type, array_agg(e.version ORDER BY e.version) AS versions
     FROM tidemark.events e
     JOIN (
       SELECT causation_id, stream_id, type FROM tidemark.events
       WHERE stream_id NOT LIKE 'fulfilment-%'
       GROUP BY causation_id, stream_id, type HAVING count(*) > 1
     ) AS twice USING (causation_id, stream_id, type)
     GROUP BY e.causation_id, e.stream_id, e.type, e.data HAVING count(*) > 1
     ORDER BY e.stream_id`,
  );
  for (const { cause, stream, type, versions } of repeated) {
    violations.add(`${stream}: ${cause} caused ${type} at each of the versions ${versions.join(', ')}`);
  }
  const steps = await database.rows<{ stream: string; type: string; step: string | null; versions: number[] }>(
    `SELECT stream_id AS stream, type, data ->> 'step' AS step, array_agg(version ORDER BY version) AS versions
     FROM tidemark.events
     WHERE stream_id >= 'fulfilment-' AND stream_id < 'fulfilment.' AND type IN ('FulfilmentStarted', 'FulfilmentStepCompleted')
     GROUP BY stream_id, type, data ->> 'step' HAVING count(*) > 1
     ORDER BY stream_id`,
  );
  for (const { stream, type, step, versions } of steps) {
    violations.add(`${stream}: ${type}${step === null ? '' : ` of ${step}`} at each of the versions ${versions.join(', ')}`);
  }
  const keys = await database.rows<{ key: string; ids: string[] }>(
    `SELECT idempotency_key AS key, array_agg(command_id::text) AS ids FROM tidemark.commands GROUP BY idempotency_key HAVING count(*) > 1`,
  );
  for (const { key, ids } of keys) violations.add(`key ${key} belongs to the commands ${ids.join(', ')}`);

  const [counts] = await database.rows<{ events: number; causes: number; keys: number }>(
    `SELECT count(*) AS events, count(DISTINCT causation_id) AS causes, (SELECT count(*) FROM tidemark.commands) AS keys FROM tidemark.events`,
  );
  return {
    checked: `${number(counts!.events)} events have ${number(counts!.causes)} causes, ${number(counts!.keys)} idempotency keys; nothing took effect twice`,
    counts: { ...counts! },
    violations,
  };
}
