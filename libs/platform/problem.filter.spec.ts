/** How loudly a failed request is logged: a bug as an error with its stack, others' failures as a warning, an answer of ours as news. */
import type { ArgumentsHost } from '@nestjs/common';
import type { Logger } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { platformProblem, ProblemError } from './problem.js';
import { ProblemFilter } from './problem.filter.js';
import type { RouteTable } from './route-table.js';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

function logged(thrown: unknown): unknown[] {
  const written = LEVELS.map((level) => [level, vi.fn<(line: object) => void>()] as const);
  const logger = Object.fromEntries(written) as unknown as Logger;
  const send = vi.fn<(body: string) => void>();
  const reply = { code: () => reply, headers: () => reply, header: () => reply, send };
  const request = { is404: false, id: 'c-1', method: 'GET', routeOptions: { url: '/things/:id' } };
  const http = { getRequest: () => request, getResponse: () => reply };
  const filter = new ProblemFilter({ logger, routes: {} as RouteTable });
  filter.catch(thrown, { switchToHttp: () => http } as unknown as ArgumentsHost);
  expect(send).toHaveBeenCalledOnce();
  return written.flatMap(([level, write]) => write.mock.calls.map(([line]) => ({ level, ...line })));
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
