/**
 * Waits until every statement of a pipeline is answered. What fails after a failure is its consequence, so the first one in order is
 * told, and only when nothing is under way any more: the connection is then free for a ROLLBACK.
 */
export async function allAnswered(statements: readonly Promise<unknown>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(statements)) if (outcome.status === 'rejected') throw outcome.reason;
}
