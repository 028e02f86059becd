import type { ClientBase } from 'pg';
import { PROJECTIONS } from '../projections.js';

/** Classes of advisory locks; the second number is the projection's place in the catalogue. */
const WRITERS = 0x7469_6401;
const REBUILDS = 0x7469_6402;

/**
 * How long a transaction of ours may stand still between two statements, milliseconds. A process that was stopped while it held the
 * lock would hold up its successor for as long; when it goes on it finds its transaction gone, and tries again.
 */
const STANDSTILL_MS = 15_000;

/**
 * Begins a transaction as the only writer of these projections, waiting for its turn. Increments of many streams meet in few rows
 * (every order of an hour, every order of a best seller): row locks would queue writers anyway, and taken in different orders they
 * would deadlock. Always in the order of the catalogue, so that this cannot.
 */
export async function beginAsOnlyWriter(client: ClientBase, projections: readonly string[]): Promise<void> {
  const locks = PROJECTIONS.flatMap(({ name }, number) =>
    projections.includes(name) ? [`SELECT pg_advisory_xact_lock(${WRITERS}, ${number});`] : [],
  );
  // One round trip; and statements after it see what the writer before has committed.
  await client.query(`BEGIN; SET LOCAL idle_in_transaction_session_timeout = ${STANDSTILL_MS}; ${locks.join(' ')}`);
}

/** Takes the right to rebuild a projection until the connection ends; false when another connection has it. */
export async function claimRebuild(client: ClientBase, projection: string): Promise<boolean> {
  const { rows } = await client.query<{ claimed: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS claimed', rebuildLock(projection));
  return rows[0]!.claimed;
}

/** Who rebuilds it just now, as operators would look for them. */
export async function rebuildingSession(client: ClientBase, projection: string): Promise<string> {
  const { rows } = await client.query<{ who: string }>(
    `SELECT format('%s, database session %s, since %s', a.application_name, a.pid, to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS TZ')) AS who
     FROM pg_locks l JOIN pg_stat_activity a USING (pid)
     WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = $1 AND l.objid::bigint = $2 AND a.datname = current_database()`,
    rebuildLock(projection),
  );
  return rows[0]?.who ?? 'a session that has just ended';
}

const rebuildLock = (projection: string): [number, number] => [REBUILDS, PROJECTIONS.findIndex(({ name }) => name === projection)];
