/**
 * How long a transaction of the orchestrator may wait for a lock, and how long it may stand still between two statements, milliseconds:
 * command-api and other orchestrators need the same rows, and must not wait for a process that is stopped or for a lock that is not to be
 * had.
 */
const LOCK_WAIT_MS = 5_000;
const STANDSTILL_MS = 5_000;
/** Index look-ups alone: a session keeps plans that it made while the tables were empty, and must not scan them when they are not. */
const PLANS = 'SET LOCAL enable_seqscan = off';

export const BEGIN = `BEGIN; SET LOCAL lock_timeout = ${LOCK_WAIT_MS}; SET LOCAL idle_in_transaction_session_timeout = ${STANDSTILL_MS}; ${PLANS}`;
