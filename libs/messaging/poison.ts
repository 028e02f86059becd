import { RpcException } from '@nestjs/microservices';

import type { EventMessage, IncomingMessage } from './event-message.js';

/** Stable codes; they end up in headers, tables and dashboards. */
export type PoisonCode =
  | 'key-missing'
  | 'key-mismatch'
  | 'topic-mismatch'
  | 'header-missing'
  | 'header-invalid'
  | 'value-missing'
  | 'value-malformed'
  | 'content-type-unsupported';

/** A message that will never decode, however often it is tried. */
export class PoisonMessageError extends Error {
  constructor(
    readonly code: PoisonCode,
    detail: string,
    readonly origin: Pick<IncomingMessage, 'topic' | 'partition' | 'offset'>,
  ) {
    super(`${code}: ${detail} (${origin.topic}[${origin.partition}]@${origin.offset})`);
    this.name = 'PoisonMessageError';
  }
}

/**
 * Thrown by a handler that can never apply one event of its batch (unknown type, unsupported schema version, data that breaks its
 * own rules). The rest of the batch is delivered again without it and without the later events of its stream.
 *
 * It is an RpcException that answers itself: Nest replaces every other error of a handler by "Internal server error".
 */
export class PoisonEventError extends RpcException {
  constructor(
    readonly event: Pick<EventMessage, 'id' | 'streamId' | 'version' | 'type'>,
    /** Stable, kebab-case, e.g. `unknown-type`. */
    readonly code: string,
    detail: string,
  ) {
    super(`${code}: ${detail} (${event.type} ${event.streamId}@${event.version})`);
    this.name = 'PoisonEventError';
  }

  override getError(): object {
    return this;
  }
}
