/** One JSON object a line, with the fields operators search for; Nest's own messages keep quiet unless they matter. */
import { describe, expect, it } from 'vitest';
import { createLogger, NestLogger } from './logger.js';

function capture(level: string) {
  const lines: Record<string, unknown>[] = [];
  return {
    lines,
    logger: createLogger({ app: 'relay', level, destination: { write: (line: string) => void lines.push(JSON.parse(line)) } }),
  };
}

describe('createLogger', () => {
  it('writes time, level, app, pid, event and the fields of the event', () => {
    const { lines, logger } = capture('info');
    logger.info({ event: 'relay.batch.published', count: 3 });
    logger.error({ event: 'relay.failed', err: new Error('why') });
    expect(lines[0]).toEqual({
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      level: 'info',
      app: 'relay',
      pid: process.pid,
      event: 'relay.batch.published',
      count: 3,
    });
    expect(lines[1]).toMatchObject({ level: 'error', err: { message: 'why', stack: expect.stringContaining('why') } });
  });
});

describe('NestLogger', () => {
  it('lowers the start-up chatter and keeps errors with their stack', () => {
    const { lines, logger } = capture('info');
    const nest = new NestLogger(logger);
    nest.log('Mapped {/orders, POST} route', 'RouterExplorer');
    nest.error('broken', 'Error: broken\n at x', 'ExceptionsHandler');
    nest.warn({ some: 'object' }, 'Context');
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'error',
        event: 'nest.message',
        msg: 'broken',
        stack: 'Error: broken\n at x',
        context: 'ExceptionsHandler',
      }),
      expect.objectContaining({ level: 'warn', msg: '{"some":"object"}', context: 'Context' }),
    ]);
  });
});
