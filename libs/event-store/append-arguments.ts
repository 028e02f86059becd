import type { AppendRequest } from './append-request.js';

/**
 * The arguments of tidemark.append, in its order: parallel arrays of requests, streams, writes and events that refer to each other by
 * 1-based index. Same order in, same order out: positions follow the order of the requests.
 */
export function appendArguments(requests: readonly AppendRequest[]): unknown[][] {
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
    requests.map(({ metadata }) => metadata.correlationId),
    requests.map(({ metadata }) => metadata.causationId),
    requests.map(({ metadata }) => metadata.actor),
    requests.map(({ metadata }) => metadata.traceparent),
    requests.map(({ metadata }) => metadata.commandId),
    keyOwner,
    requests.map(({ command }) => command?.id),
    requests.map(({ command }) => command?.name),
    requests.map(({ command }) => command?.idempotencyKey),
    requests.map(({ command }) => command?.fingerprint),
    requests.map(({ command }) => command?.answer.status),
    requests.map(({ command }) => command && JSON.stringify(command.answer.headers)),
    requests.map(({ command }) => command && JSON.stringify(command.answer.body ?? null)),
    ordered.map(([streamId]) => streamId),
    ordered.map(([, { isNew, written }]) => (isNew ? Math.max(1, written) : 0)),
    write.request,
    write.stream,
    write.expected,
    write.count,
    event.write,
    event.ordinal,
    event.id,
    event.type,
    event.schema,
    event.data,
    event.occurred,
  ];
}
