/** Steps run once and in order, a failing one stops nothing, and a hanging one cannot keep the process alive. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from './logger.js';
import { Shutdown } from './shutdown.js';

const lines: { event: string; step?: string }[] = [];
const logger = createLogger({ app: 'test', level: 'info', destination: { write: (line: string) => void lines.push(JSON.parse(line)) } });

afterEach(() => {
  lines.length = 0;
  vi.useRealTimers();
});

describe('Shutdown', () => {
  it('runs its steps in order, each after the one before it, and only once', async () => {
    const order: string[] = [];
    const exit = vi.fn<(code: number) => void>();
    const shutdown = new Shutdown({ logger, exit });
    shutdown.add(
      { name: 'slow', run: async () => void (await Promise.resolve(), await Promise.resolve(), order.push('slow')) },
      { name: 'fast', run: () => void order.push('fast') },
    );
    await Promise.all([shutdown.runAndExit('SIGTERM'), shutdown.runAndExit('SIGINT'), shutdown.run('again')]);
    expect(order).toEqual(['slow', 'fast']);
    expect(exit.mock.calls).toEqual([[0]]);
  });

  it('goes on after a step that fails, and ends with 1', async () => {
    const exit = vi.fn<(code: number) => void>();
    const last = vi.fn<() => void>();
    const shutdown = new Shutdown({ logger, exit });
    shutdown.add({ name: 'broken', run: () => Promise.reject(new Error('no')) }, { name: 'last', run: last });
    await shutdown.runAndExit('SIGTERM');
    expect(last).toHaveBeenCalledOnce();
    expect(exit.mock.calls).toEqual([[1]]);
    expect(lines).toContainEqual(expect.objectContaining({ event: 'shutdown.step.failed', step: 'broken' }));
  });

  it('ends the process at the deadline whatever a step does', async () => {
    vi.useFakeTimers();
    const exit = vi.fn<(code: number) => void>();
    const shutdown = new Shutdown({ logger, exit, deadlineMs: 10_000 });
    shutdown.add({ name: 'hanging', run: () => new Promise(() => undefined) });
    void shutdown.runAndExit('SIGTERM');
    await vi.advanceTimersByTimeAsync(9_999);
    expect(exit).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(exit.mock.calls).toEqual([[1]]);
  });

  it('ends with 1 after a failure, also when every step goes well', async () => {
    const exit = vi.fn<(code: number) => void>();
    const shutdown = new Shutdown({ logger, exit });
    shutdown.fail(new Error('consumer crashed'));
    await shutdown.run('wait');
    await vi.waitFor(() => expect(exit.mock.calls).toEqual([[1]]));
    expect(lines).toContainEqual(expect.objectContaining({ event: 'process.failed' }));
  });
});
