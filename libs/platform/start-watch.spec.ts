// Proves that a process which waits for something at its start says so, in as many lines as there is news.
import { afterEach, expect, it } from 'vitest';
import { StartWatch } from './start-watch.js';

const lines: Record<string, unknown>[] = [];
const logger = { info: (line: Record<string, unknown>) => lines.push(line), warn: (line: Record<string, unknown>) => lines.push(line) };
let watch: StartWatch;
afterEach(() => {
  watch.close();
  lines.length = 0;
});

function watching(missing: Set<string>, tellAgainMs = 60_000): void {
  const checks = ['database', 'broker'].map((name) => ({
    name,
    check: () => {
      if (missing.has(name)) throw new Error(`${name} is away`);
    },
  }));
  watch = new StartWatch({ checks, logger: logger as never, everyMs: 5, tellAgainMs });
  watch.start();
}

it('tells what is missing once, then what is still missing, then that all is there', async () => {
  const missing = new Set(['database', 'broker']);
  watching(missing);
  await expect.poll(() => lines.length).toBe(1);
  missing.delete('database');
  await expect.poll(() => lines.length).toBe(2);
  missing.clear();
  await expect.poll(() => lines.length).toBe(3);
  expect(lines).toMatchObject([
    { event: 'app.waiting', for: [{ name: 'database', reason: 'database is away' }, { name: 'broker' }] },
    { event: 'app.waiting', for: [{ name: 'broker' }] },
    { event: 'app.ready' },
  ]);
});

it('repeats itself when it lasts', async () => {
  watching(new Set(['database']), 20);
  await expect.poll(() => lines.length).toBeGreaterThan(2);
});

it('says nothing of a moment', async () => {
  watching(new Set());
  await expect.poll(() => lines.length).toBe(1);
  expect(lines).toMatchObject([{ event: 'app.ready' }]);
});
