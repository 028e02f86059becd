/** SQLSTATE classes that may heal by themselves: connection, resources, operator intervention, serialization and deadlock, a transaction stood still. */
const TRANSIENT_SQLSTATE = /^(08|53|57P|40001|40P01|55P03|25006|25P03)/;
const NETWORK_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EHOSTUNREACH', 'EAI_AGAIN']);

/** Whether the same work may succeed when it is simply done again: the database was away, busy, or chose us as a deadlock victim. */
export function isTransientDatabaseError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as Error & { code?: unknown };
  if (typeof code === 'string') return TRANSIENT_SQLSTATE.test(code) || NETWORK_CODES.has(code);
  // pg says these only in words.
  return /^(timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error)/.test(error.message);
}
