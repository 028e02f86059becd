import type { DomainEventType } from './event-catalogue.js';

/** Turns data of one event type from schema version `from` into `from + 1`. Pure; never asked for any other version. */
export interface EventUpcaster {
  readonly type: DomainEventType;
  readonly from: number;
  upcast(data: object): object;
}

/** One for each step from version 1 to the newest of a type. Stored events are never rewritten: an upcaster stays for ever. */
export const upcasters: readonly EventUpcaster[] = [];
