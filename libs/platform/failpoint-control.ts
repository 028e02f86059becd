import { failpoints, FailpointSpecError } from '#failpoints';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Logger } from './logger.js';

interface FailpointControl {
  /** The app's FAILPOINTS; undefined: they are off and there is no route. */
  readonly spec: string | undefined;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * Switches this process's failpoints on and lets them be moved while it runs: GET /failpoints lists them with their hits, PUT
 * `{ "spec": … }` arms others instead, DELETE disarms. Fault runs only; the configuration refuses it in production (withFailpoints).
 */
export function serveFailpoints(fastify: FastifyInstance, { spec, logger }: FailpointControl): void {
  if (spec === undefined) return;
  failpoints.arm(spec);
  logger.warn({ event: 'failpoints.armed', spec });
  fastify.get('/failpoints', () => ({ failpoints: failpoints.states() }));
  fastify.put<{ Body: { spec?: unknown } | null }>('/failpoints', (request, reply): FastifyReply => {
    const next = request.body?.spec;
    try {
      if (typeof next !== 'string') throw new FailpointSpecError('send { "spec": "<failpoints>" }');
      failpoints.arm(next);
    } catch (error) {
      if (!(error instanceof FailpointSpecError)) throw error;
      return reply.code(422).send({ code: 'failpoint-spec', detail: error.problem });
    }
    logger.warn({ event: 'failpoints.armed', spec: next });
    return reply.send({ failpoints: failpoints.states() });
  });
  fastify.delete('/failpoints', (_request, reply): FastifyReply => {
    failpoints.disarm();
    logger.warn({ event: 'failpoints.disarmed' });
    return reply.code(204).send();
  });
}
