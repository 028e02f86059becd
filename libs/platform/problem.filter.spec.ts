/** How loudly a failed request is logged: a bug as an error with its stack, others' failures as a warning, an answer of ours as news. */
import type { ArgumentsHost } from '@nestjs/common';
import type { Logger } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { platformProblem, ProblemError } from './problem.js';
import { ProblemFilter } from './problem.filter.js';
import type { RouteTable } from './route-table.js';

function logged(error: unknown): unknown[] {
  const lines: unknown[] = [];
  const write = (level: string) => (line: object) => void lines.push({ level, ...line });
  const logger = Object.fromEntries(['debug', 'info', 'warn', 'error'].map((level) => [level, write(level)])) as unknown as Logger;
  const reply = { code: vi.fn(), headers: vi.fn(), header: vi.fn(), send: vi.fn() };
  for (const each of Object.values(reply)) each.mockReturnValue(reply);
  const request = { is404: false, id: 'c-1', method: 'GET', routeOptions: { url: '/things/:id' } };
  const http = { getRequest: () => request, getResponse: () => reply };
  new ProblemFilter({ logger, routes: {} as RouteTable }).catch(error, { switchToHttp: () => http } as unknown as ArgumentsHost);
  expect(reply.send).toHaveBeenCalledOnce();
  return lines;
}

describe('the log of a failed request', () => {
  const known = { event: 'http.request.failed', correlationId: 'c-1', method: 'GET', route: '/things/:id' };

  it.each([
    new ProblemError(503, 'projection-behind', 'The read model has not caught up yet', 'orders has not applied order-1@7'),
    platformProblem('overloaded', 'Too many commands are waiting.'),
  ])('takes %s, which the app chose to answer, for no failure', (error) => {
    expect(logged(error)).toEqual([{ ...known, level: 'info', code: error.code, reason: error.message }]);
  });

  it('warns of what failed elsewhere', () => {
    const error = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    expect(logged(error)).toEqual([{ ...known, level: 'warn', code: 'unavailable', reason: 'connect' }]);
  });

  it('holds the stack of a bug', () => {
    const err = new TypeError('x is undefined');
    expect(logged(err)).toEqual([{ ...known, level: 'error', code: 'internal-error', err }]);
  });

  it('says nothing of refusals', () => {
    expect(logged(platformProblem('validation-failed', 'no'))).toEqual([]);
  });
});
