/**
 * Polls until `attempt` returns something other than undefined or false, and returns that. An attempt that throws counts as not yet.
 * Throws after `deadlineMs` with the last reason. For specs that wait for another process; never a fixed sleep.
 */
export async function waitFor<T>(
  attempt: () => Promise<T> | T,
  { deadlineMs = 15_000, everyMs = 25, what = 'the condition' } = {},
): Promise<Exclude<T, undefined | false>> {
  const giveUpAt = performance.now() + deadlineMs;
  for (let last: unknown = 'not yet'; ;) {
    try {
      const result = await attempt();
      if (result !== undefined && result !== false) return result as Exclude<T, undefined | false>;
    } catch (error) {
      last = error;
    }
    if (performance.now() > giveUpAt)
      throw new Error(`${what} did not come true within ${deadlineMs} ms: ${String(last)}`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
