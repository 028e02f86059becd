/**
 * Runs `job` for everything `source` gives, at most `concurrency` at once, taking the next one only when a place is free.
 * The first failure stops the taking and is thrown once the jobs under way have ended.
 */
export async function runBounded<T>(source: AsyncIterable<T>, concurrency: number, job: (item: T) => Promise<void>): Promise<void> {
  const items = source[Symbol.asyncIterator]();
  const failures: unknown[] = [];
  const lane = async (): Promise<void> => {
    while (failures.length === 0) {
      try {
        const next = await items.next();
        if (next.done) return;
        await job(next.value);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  if (failures.length > 0) {
    await items.return?.();
    throw failures[0];
  }
}
