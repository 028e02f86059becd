import type { Database } from './database.js';
import { number, Violations, type Finding } from './finding.js';

/** Commands that may be accepted and change nothing, because what they ask for had already happened under another key. */
const MAY_CHANGE_NOTHING = ['CancelOrder'];

/** An operator's answer is fixed before the saga decides in its batch, so it can name no version; any event of the command will do. */
const DECIDED_LATER = ['ResumeFulfilment:retry', 'ResumeFulfilment:compensate', 'ResolveFulfilment'];

/**
 * I1: every command that was answered with 2xx is in the event store, where its own answer says: the event at the stream and version of
 * its consistency token, caused by it. And the other way round: no event of a command that is unknown or was refused.
 * What a client was told and the command table has lost cannot be seen from here; the client's own history shows that.
 */
export async function checkAcceptedCommands(database: Database): Promise<Finding> {
  const violations = new Violations();
  const [counts] = await database.rows<{ accepted: number; refused: number }>(
    `SELECT count(*) FILTER (WHERE status BETWEEN 200 AND 299) AS accepted, count(*) FILTER (WHERE status >= 300) AS refused
     FROM tidemark.commands`,
  );
  // An answer's body is kept as text, so that a repeat gets the same bytes. The token's last @ parts stream and version; a SKU may
  // hold one itself.
  const lost = await database.rows<{ id: string; name: string; key: string; token: string | null }>(
    `SELECT c.command_id AS id, c.name, c.idempotency_key AS key, c.token
     FROM (
       SELECT *, CASE jsonb_typeof(body) WHEN 'string' THEN (body #>> '{}')::jsonb ELSE body END ->> 'consistencyToken' AS token
       FROM tidemark.commands WHERE status BETWEEN 200 AND 299
     ) AS c
     LEFT JOIN tidemark.events e
       ON e.stream_id = substring(c.token FROM '^(.*)@[0-9]+$')
       AND e.version = substring(c.token FROM '@([0-9]+)$')::integer
       AND (e.command_id = c.command_id OR c.name = ANY ($1::text[]))
     WHERE e.event_id IS NULL
       AND NOT (c.name = ANY ($2::text[]) AND c.command_id IN (SELECT command_id FROM tidemark.events WHERE command_id IS NOT NULL))
     ORDER BY c.received_at`,
    [MAY_CHANGE_NOTHING, DECIDED_LATER],
  );
  for (const { id, name, key, token } of lost) {
    violations.add(`command ${id} (${name}, key ${key}) was accepted, but ${token ?? 'its answer'} names no event of it`);
  }
  const unaccounted = await database.rows<{ stream: string; version: number; command: string; status: number | null }>(
    `SELECT e.stream_id AS stream, e.version, e.command_id AS command, c.status
     FROM tidemark.events e LEFT JOIN tidemark.commands c ON c.command_id = e.command_id
     WHERE e.command_id IS NOT NULL AND (c.command_id IS NULL OR c.status >= 300)
     ORDER BY e.position`,
  );
  for (const { stream, version, command, status } of unaccounted) {
    violations.add(
      `event ${stream}@${version} is of command ${command}, which ${status === null ? 'is unknown' : `was refused with ${status}`}`,
    );
  }
  return {
    checked: `${number(counts!.accepted)} accepted commands have their events, ${number(counts!.refused)} refused ones have none`,
    counts: { accepted: counts!.accepted, refused: counts!.refused },
    violations,
  };
}
