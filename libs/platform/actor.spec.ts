// Proves: an operator's name is taken as given, and nobody passes for one of our own processes.
import type { FastifyRequest } from 'fastify';
import { expect, it } from 'vitest';
import { actorOf } from './actor.js';

const from = (actor?: string): FastifyRequest =>
  ({ headers: actor === undefined ? {} : { 'x-actor': actor } }) as unknown as FastifyRequest;

it.each([
  [undefined, 'anonymous'],
  ['', 'anonymous'],
  [' ann ', 'ann'],
  ['x'.repeat(100), 'x'.repeat(100)],
  ['ecosystem:ann', 'ecosystem:ann'],
])('X-Actor %j is %s', (given, taken) => expect(actorOf(from(given))).toBe(taken));

it.each(['system:relay', ' SYSTEM:relay', 'zoë', 'x'.repeat(101), 'a\tb'])('X-Actor %j is refused', (given) =>
  expect(() => actorOf(from(given))).toThrow(expect.objectContaining({ status: 400, code: 'header-invalid' }) as Error),
);
