import type { DomainEvent } from '#domain';

/** Where and when an event happened: what the Kafka message and the stored event have in common. */
export interface EventFacts {
  readonly id: string;
  readonly streamId: string;
  /** 1..n without a hole. */
  readonly version: number;
  /** Business time, ISO 8601. */
  readonly occurredAt: string;
  /** Server time of the append, ISO 8601. */
  readonly recordedAt: string;
  readonly actor: string;
}

/** An event as projections take it, at the newest schema version of its type. Distributes over unions, so `type` narrows `data`. */
export type Projected<Event extends DomainEvent> = Event extends unknown ? EventFacts & Event : never;

/** Any event, before a projection knows what it is. */
export interface ProjectedEvent extends EventFacts {
  readonly type: string;
  readonly data: object;
}

const UTC_MILLISECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/**
 * The event with both times as UTC in milliseconds. The store keeps microseconds and a message carries them or not: cut here, the
 * same event gives the same row whichever way it came.
 * @throws RangeError when a time is none, or lies outside the years 0 to 9999
 */
export function inMilliseconds<Event extends ProjectedEvent>(event: Event): Event {
  if (UTC_MILLISECONDS.test(event.occurredAt) && UTC_MILLISECONDS.test(event.recordedAt)) return event;
  return { ...event, occurredAt: utcMilliseconds(event.occurredAt), recordedAt: utcMilliseconds(event.recordedAt) };
}

function utcMilliseconds(time: string): string {
  const iso = new Date(time).toISOString();
  if (!UTC_MILLISECONDS.test(iso)) throw new RangeError(`${iso} is beyond the year 9999`);
  return iso;
}
