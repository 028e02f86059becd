import { eventCategory, isDomainEventType, parseStreamId, SCHEMA_VERSIONS, upcasters } from '#domain';
import { Upcasters } from '#event-store/read';
import { PoisonEventError, type EventMessage } from '#messaging';
import type { ProjectedEvent } from '#read-models/write';

const chain = new Upcasters(upcasters);

/**
 * A message as projections take it: of a type we know, in a stream it belongs to, at the newest schema version.
 * @throws PoisonEventError `unknown-type`, `wrong-stream`, `unknown-schema-version` or `upcast-failed`
 */
export function admit(message: EventMessage): ProjectedEvent {
  const { type, schemaVersion, streamId, data } = message;
  if (!isDomainEventType(type)) throw new PoisonEventError(message, 'unknown-type', 'no event of ours has this type');
  const stream = parseStreamId(streamId);
  // Effects go to the rows that the data names, checkpoints to the stream: they must speak of the same thing.
  if (stream?.category !== eventCategory(type) || subjectOf(data) !== stream.key) {
    throw new PoisonEventError(message, 'wrong-stream', 'its data does not belong to this stream');
  }
  if (schemaVersion < 1 || schemaVersion > SCHEMA_VERSIONS[type]) {
    throw new PoisonEventError(message, 'unknown-schema-version', `version ${schemaVersion}, known up to ${SCHEMA_VERSIONS[type]}`);
  }
  if (schemaVersion === SCHEMA_VERSIONS[type]) return message;
  try {
    return { ...message, ...chain.upcast(type, schemaVersion, data) };
  } catch (error) {
    throw new PoisonEventError(message, 'upcast-failed', String(error));
  }
}

const subjectOf = (data: object): unknown => ('sku' in data ? data.sku : 'orderId' in data ? data.orderId : undefined);
