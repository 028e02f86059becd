/**
 * SQLSTATE classes that may heal by themselves: connection, resources, operator intervention, serialization and deadlock, a lock that was
 * not to be had, a server that only reads for the moment, a transaction ended because it stood still (its process was stopped) or for its
 * length.
 */
const TRANSIENT_SQLSTATE = /^(08|53|57P|40001|40P01|55P03|25006|25P0[34])/;
/** Codes of the network and its names: ECONNRESET, ENETUNREACH, EAI_AGAIN, … but not ERR_…, which are mistakes of ours. */
const NETWORK_CODE = /^(E[A-Z]+|EAI_[A-Z]+)$/;
/** pg says these only in words. */
const TRANSIENT_WORDS =
  /^(timeout exceeded when trying to connect|Connection terminated|Query read timeout|Client has encountered a connection error)/;

/** Whether the same work may succeed when it is simply done again: the database was away, busy, or chose us as a deadlock victim. */
export function isTransientDatabaseError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as Error & { code?: unknown };
  if (typeof code === 'string') return TRANSIENT_SQLSTATE.test(code) || NETWORK_CODE.test(code);
  return TRANSIENT_WORDS.test(error.message);
}
