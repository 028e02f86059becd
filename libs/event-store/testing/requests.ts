import { randomUUID } from 'node:crypto';
import type { AppendRequest, CommandRecord, StreamWrite } from '../append-request.js';
import type { EventMetadata, NewEvent } from '../stored-event.js';

/** Builders for specs and benches. Ids are random: nothing asserts on their values. */
export function newEvent(data: object = {}, type = 'Counted'): NewEvent {
  return { id: randomUUID(), type, schemaVersion: 1, data, occurredAt: '2010-12-01T08:26:00.000Z' };
}

export function write(streamId: string, expectedVersion: number, count = 1): StreamWrite {
  return { streamId, expectedVersion, events: Array.from({ length: count }, (_, n) => newEvent({ n })) };
}

export function command(idempotencyKey: string, { fingerprint = 'fp', status = 201 } = {}): CommandRecord {
  return {
    id: randomUUID(),
    name: 'Count',
    idempotencyKey,
    fingerprint,
    answer: { status, headers: { etag: '"1"' }, body: { key: idempotencyKey } },
  };
}

export function request(writes: readonly StreamWrite[], record?: CommandRecord): AppendRequest {
  const metadata: EventMetadata = {
    correlationId: randomUUID(),
    causationId: record?.id ?? randomUUID(),
    actor: 'spec',
    commandId: record?.id ?? null,
    traceparent: null,
  };
  return { writes, metadata, command: record };
}
