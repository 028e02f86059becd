import type { FastifyRequest } from 'fastify';
import { platformProblem } from './problem.js';

export const MAX_ACTOR_LENGTH = 100;

/**
 * Who acts, from the `X-Actor` header; `anonymous` without one. Claimed, not proven: there is no authentication yet. Names of our own
 * processes (`system:…`) are refused, so that they stay telling.
 * @throws ProblemError `header-invalid`
 */
export function actorOf({ headers }: Pick<FastifyRequest, 'headers'>): string {
  const given = headers['x-actor'];
  const actor = (Array.isArray(given) ? given.join(', ') : given)?.trim();
  if (actor === undefined || actor === '') return 'anonymous';
  if (actor.length > MAX_ACTOR_LENGTH || !/^[\x20-\x7e]+$/.test(actor) || actor.toLowerCase().startsWith('system:')) {
    throw platformProblem('header-invalid', `X-Actor must be 1 to ${MAX_ACTOR_LENGTH} ASCII characters and not start with system:.`);
  }
  return actor;
}
