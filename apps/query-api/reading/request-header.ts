import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/**
 * A header of the request, undefined when it was not sent. Unlike Nest's own `Headers` it says nothing to the OpenAPI document,
 * which would call the header required; `ApiHeader` documents it as it is.
 */
export const RequestHeader = createParamDecorator((name: string, context: ExecutionContext) => {
  const value = context.switchToHttp().getRequest<FastifyRequest>().headers[name];
  return typeof value === 'string' ? value : undefined;
});
