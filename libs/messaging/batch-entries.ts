import type { EventCodec } from './cloud-events.codec.js';
import { claimedStream, STREAM_PARKED, type DeadLetter } from './dead-letter.js';
import type { EventMessage, IncomingMessage } from './event-message.js';
import { PoisonMessageError, type PoisonEventError } from './poison.js';

/** One message while its batch is being worked on. */
export interface BatchEntry {
  readonly message: IncomingMessage;
  readonly streamId: string | null;
  readonly event: EventMessage | undefined;
  /** Why it is poison, found by decoding or said by the handler. */
  poison: { readonly code: string; readonly reason: string } | undefined;
  /** By an operator, when it was among the dead letters before. */
  discarded: boolean;
}

export function readEntry(message: IncomingMessage, codec: EventCodec): BatchEntry {
  try {
    const event = codec.decode(message);
    return { message, streamId: event.streamId, event, poison: undefined, discarded: false };
  } catch (error) {
    if (!(error instanceof PoisonMessageError)) throw error;
    const poison = { code: error.code, reason: error.message };
    return { message, streamId: claimedStream(message), event: undefined, poison, discarded: false };
  }
}

/** The handler says which event it can never apply. False when it names none of these, or the same one twice. */
export function convict(entries: readonly BatchEntry[], { event, code, message }: PoisonEventError): boolean {
  const entry = entries.find((candidate) => candidate.event?.id === event.id && candidate.poison === undefined);
  if (entry === undefined) return false;
  entry.poison = { code, reason: message };
  return true;
}

/** In order: from a stream's poison on, and for a parked stream from the start, everything of it goes to the dead letters. */
export function sortEntries(
  entries: readonly BatchEntry[],
  parked: { has(streamId: string): boolean },
): { events: EventMessage[]; letters: DeadLetter[] } {
  const held = new Set<string>();
  const events: EventMessage[] = [];
  const letters: DeadLetter[] = [];
  for (const { message, streamId, event, poison, discarded } of entries) {
    if (discarded) continue;
    if (poison !== undefined) {
      letters.push({ message, streamId, ...poison });
      if (streamId !== null) held.add(streamId);
    } else if (streamId !== null && (held.has(streamId) || parked.has(streamId))) {
      letters.push({ message, streamId, code: STREAM_PARKED, reason: 'an earlier event of this stream is in the dead letters' });
    } else if (event !== undefined) {
      events.push(event);
    }
  }
  return { events, letters };
}
