/** Deadlock or serialization failure: the transaction left no trace and may be run again. */
export function isRollback(error: unknown): boolean {
  const code = codeOf(error);
  return code === '40001' || code === '40P01';
}

/** A lock could not be had in time: nothing was done, and it may be free in a moment. */
export function isLockTimeout(error: unknown): boolean {
  return codeOf(error) === '55P03';
}

/** No answer, or the server is going away or not there yet: whether the statement was carried out is unknown. */
export function isConnectionFailure(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined) return code.startsWith('08') || code.startsWith('57P') || code.startsWith('53') || /^E[A-Z]+$/.test(code);
  // pg reports a closed connection and a full pool only in words.
  return (
    error instanceof Error && /^(Connection terminated|timeout exceeded when trying to connect|Query read timeout)/.test(error.message)
  );
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
