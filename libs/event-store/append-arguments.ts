import type { AppendRequest } from './append-request.js';
import { BinaryArray } from './binary-array.js';

const { integers, jsonbs, smallints, texts, times, uuids } = BinaryArray;

/**
 * The arguments of tidemark.append, in its order: parallel arrays of requests, streams, writes and events that refer to each other by
 * 1-based index. Same order in, same order out: positions follow the order of the requests.
 */
export function appendArguments(requests: readonly AppendRequest[]): BinaryArray[] {
  const owners = new Map<string, number>();
  const keyOwner = requests.map(({ command }, index) => {
    if (command === undefined) return 0;
    const owner = owners.get(command.idempotencyKey) ?? index + 1;
    owners.set(command.idempotencyKey, owner);
    return owner;
  });

  const streams = new Map<string, { index: number; written: number; isNew: boolean }>();
  const write = { request: [] as number[], stream: [] as number[], expected: [] as number[], count: [] as number[] };
  const event = {
    write: [] as number[],
    ordinal: [] as number[],
    id: [] as string[],
    type: [] as string[],
    schema: [] as number[],
    data: [] as string[],
    occurred: [] as string[],
  };
  requests.forEach(({ writes }, requestIndex) => {
    for (const { streamId, expectedVersion, events } of writes) {
      let stream = streams.get(streamId);
      if (stream === undefined) streams.set(streamId, (stream = { index: streams.size + 1, written: 0, isNew: false }));
      stream.written += events.length;
      stream.isNew ||= expectedVersion === 0;
      write.request.push(requestIndex + 1);
      write.stream.push(stream.index);
      write.expected.push(expectedVersion);
      write.count.push(events.length);
      events.forEach(({ id, type, schemaVersion, data, occurredAt }, ordinal) => {
        event.write.push(write.request.length);
        event.ordinal.push(ordinal + 1);
        event.id.push(id);
        event.type.push(type);
        event.schema.push(schemaVersion);
        event.data.push(JSON.stringify(data));
        event.occurred.push(occurredAt);
      });
    }
  });
  const ordered = [...streams.entries()];

  return [
    uuids(requests.map(({ metadata }) => metadata.correlationId)),
    uuids(requests.map(({ metadata }) => metadata.causationId)),
    texts(requests.map(({ metadata }) => metadata.actor)),
    texts(requests.map(({ metadata }) => metadata.traceparent)),
    uuids(requests.map(({ metadata }) => metadata.commandId)),
    integers(keyOwner),
    uuids(requests.map(({ command }) => command?.id)),
    texts(requests.map(({ command }) => command?.name)),
    texts(requests.map(({ command }) => command?.idempotencyKey)),
    texts(requests.map(({ command }) => command?.fingerprint)),
    integers(requests.map(({ command }) => command?.answer.status)),
    jsonbs(requests.map(({ command }) => command && JSON.stringify(command.answer.headers))),
    jsonbs(requests.map(({ command }) => command && JSON.stringify(command.answer.body ?? null))),
    texts(ordered.map(([streamId]) => streamId)),
    integers(ordered.map(([, { isNew, written }]) => (isNew ? Math.max(1, written) : 0))),
    integers(write.request),
    integers(write.stream),
    integers(write.expected),
    integers(write.count),
    integers(event.write),
    integers(event.ordinal),
    uuids(event.id),
    texts(event.type),
    smallints(event.schema),
    jsonbs(event.data),
    times(event.occurred),
  ];
}
