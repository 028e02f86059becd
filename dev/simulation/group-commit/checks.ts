import { OverloadedError } from '#event-store';
import type { AppendSide } from './append-side.js';
import type { Try } from './clients.js';

/** Codes of errors after which nobody knows whether the append was done: the connection, or the server, went away. */
const isUnknown = (code: string): boolean => /^(08|53|57P|E[A-Z])/.test(code) || code === '';

/** What was said of each append against what is in the store. */
export function untruths(tries: readonly Try[], store: AppendSide): string[] {
  const found: string[] = [];
  const stored = new Map<string, number>();
  for (const { eventId } of store.events.rows.values()) stored.set(eventId, (stored.get(eventId) ?? 0) + 1);
  for (const one of tries) {
    const { intent, request, eventIds, verdict, error } = one;
    const name = `try ${request.metadata.correlationId}`;
    const done = eventIds.filter((id) => stored.has(id)).length;
    if (done > 0 && done < eventIds.length) found.push(`${name}: ${done} of its ${eventIds.length} events are stored`);
    if (eventIds.some((id) => (stored.get(id) ?? 0) > 1)) found.push(`${name}: an event is stored twice`);
    const own = intent.key === undefined ? undefined : store.commands.rows.get(intent.key);
    const isOwn = own !== undefined && own.commandId === request.command?.id;
    if (isOwn && done < eventIds.length) found.push(`${name}: its command is recorded and its events are not`);
    if (done > 0 && request.command !== undefined && !isOwn) found.push(`${name}: its events are stored under a key that is not its own`);
    const wasDone = done > 0 || isOwn;
    if (verdict?.outcome === 'appended' && (done < eventIds.length || (request.command !== undefined && !isOwn))) {
      found.push(`${name}: told "appended", and it is not`);
    }
    if (verdict !== undefined && verdict.outcome !== 'appended' && wasDone)
      found.push(`${name}: told "${verdict.outcome}", and it was done`);
    if (verdict?.outcome === 'repeated' && JSON.stringify(verdict.answer.body) !== JSON.stringify(own?.body)) {
      found.push(`${name}: a repeat was given another answer than the first`);
    }
    if (verdict?.outcome === 'repeated' && own?.fingerprint !== request.command?.fingerprint) {
      found.push(`${name}: another command under the same key was taken for a repeat`);
    }
    if (verdict?.outcome === 'key-reused' && (own === undefined || own.fingerprint === request.command?.fingerprint)) {
      found.push(`${name}: told that its key was used otherwise, and it was not`);
    }
    if (verdict?.outcome === 'conflict' && verdict.expectedVersion === verdict.actualVersion)
      found.push(`${name}: a conflict that is none`);
    if (error !== undefined && wasDone && (error instanceof OverloadedError || !isUnknown(codeOf(error)))) {
      found.push(`${name}: told that it failed (${String(error)}), and it was done`);
    }
  }
  return [...found, ...doubles(tries, store), ...holes(store)];
}

/** One effect a key. */
function doubles(tries: readonly Try[], store: AppendSide): string[] {
  const stored = new Set([...store.events.rows.values()].map(({ eventId }) => eventId));
  const effects = new Map<string, Set<string>>();
  for (const { intent, request, eventIds } of tries) {
    if (intent.key === undefined || !eventIds.some((id) => stored.has(id))) continue;
    effects.set(intent.key, (effects.get(intent.key) ?? new Set()).add(request.metadata.correlationId));
  }
  return [...effects].flatMap(([key, by]) => (by.size > 1 ? [`${key} took effect ${by.size} times: ${[...by]}`] : []));
}

function holes(store: AppendSide): string[] {
  const counts = new Map<string, number>();
  for (const { streamId } of store.events.rows.values()) counts.set(streamId, (counts.get(streamId) ?? 0) + 1);
  return [...store.streams.rows].flatMap(([id, { version }]) =>
    (counts.get(id) ?? 0) === version ? [] : [`${id} stands at ${version} and has ${counts.get(id) ?? 0} events`],
  );
}

const codeOf = (error: unknown): string => String((error as { code?: string }).code ?? '');
