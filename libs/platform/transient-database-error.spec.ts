// Proves: what heals by itself is told from what does not, by the same signs the event store goes by.
import { expect, it } from 'vitest';
import { isTransientDatabaseError } from './transient-database-error.js';

const failure = (message: string, code?: string): Error => Object.assign(new Error(message), code === undefined ? {} : { code });

const PASSING_SQLSTATES = ['08006', '53300', '57P01', '57P03', '40001', '40P01', '55P03', '25006', '25P03', '25P04'];

it.each([...PASSING_SQLSTATES, 'ECONNRESET', 'ENETUNREACH', 'EPIPE', 'EAI_AGAIN'])('%s may pass', (code) =>
  expect(isTransientDatabaseError(failure('x', code))).toBe(true),
);

it.each(['23505', '22P02', '25P02', '42P01', '57014', 'FST_ERR_BAD_URL', 'ERR_INVALID_ARG_TYPE', 'E'])('%s does not', (code) =>
  expect(isTransientDatabaseError(failure('Connection terminated', code))).toBe(false),
);

it.each([
  'timeout exceeded when trying to connect',
  'Connection terminated unexpectedly',
  'Connection terminated due to connection timeout',
  'Query read timeout',
  'Client has encountered a connection error and is not queryable',
])('"%s" may pass, though it has no code', (message) => expect(isTransientDatabaseError(failure(message))).toBe(true));

it('nothing else does', () => {
  expect(isTransientDatabaseError(failure('x is not a function'))).toBe(false);
  expect(isTransientDatabaseError({ code: '08006' })).toBe(false);
  expect(isTransientDatabaseError(undefined)).toBe(false);
});
