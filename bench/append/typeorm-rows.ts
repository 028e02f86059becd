import { EntitySchema, type EntityManager } from 'typeorm';
import type { AppendRequest } from '#event-store';

const text = { type: 'text' } as const;
const uuid = { type: 'uuid' } as const;
const whole = { type: 'integer' } as const;

interface EventRow {
  position: string;
  stream_id: string;
  version: number;
  event_id: string;
  type: string;
  schema_version: number;
  data: object;
  occurred_at: string;
  correlation_id: string;
  causation_id: string;
  actor: string;
  command_id: string | null;
}

interface CommandRow {
  command_id: string;
  idempotency_key: string;
  fingerprint: string;
  name: string;
  actor: string;
  correlation_id: string;
  status: number;
  headers: object;
  body: object;
}

const Stream = new EntitySchema({
  name: 'Stream',
  tableName: 'streams',
  schema: 'tidemark',
  columns: { stream_id: { ...text, primary: true }, version: whole },
});
const Event = new EntitySchema<EventRow>({
  name: 'Event',
  tableName: 'events',
  schema: 'tidemark',
  columns: {
    position: { type: 'bigint', primary: true, generated: 'increment' },
    stream_id: text,
    version: whole,
    event_id: uuid,
    type: text,
    schema_version: { type: 'smallint' },
    data: { type: 'jsonb' },
    occurred_at: { type: 'timestamptz' },
    correlation_id: uuid,
    causation_id: uuid,
    actor: text,
    command_id: uuid,
  },
});
const Outbox = new EntitySchema({
  name: 'Outbox',
  tableName: 'outbox',
  schema: 'tidemark',
  columns: { shard: { type: 'smallint', primary: true }, position: { type: 'bigint', primary: true }, stream_id: text },
});
const Command = new EntitySchema<CommandRow>({
  name: 'Command',
  tableName: 'commands',
  schema: 'tidemark',
  columns: {
    command_id: { ...uuid, primary: true },
    idempotency_key: text,
    fingerprint: text,
    name: text,
    actor: text,
    correlation_id: uuid,
    status: whole,
    headers: { type: 'jsonb' },
    body: { type: 'jsonb' },
  },
});

export const ENTITIES = [Stream, Event, Outbox, Command];

/** The rows of an append, of one write, through the entity manager of a transaction. */
export async function insertRows(manager: EntityManager, { writes, metadata, command }: AppendRequest): Promise<void> {
  const { streamId, events } = writes[0]!;
  const { correlationId, causationId, actor, commandId } = metadata;
  if (command !== undefined) {
    const { id, name, idempotencyKey, fingerprint, answer } = command;
    await manager.insert(Command, {
      command_id: id,
      idempotency_key: idempotencyKey,
      fingerprint,
      name,
      actor,
      correlation_id: correlationId,
      status: answer.status,
      headers: answer.headers,
      body: answer.body as object,
    });
  }
  await manager.insert(Stream, { stream_id: streamId, version: events.length });
  const { identifiers } = await manager.insert(
    Event,
    events.map((event, index) => ({
      stream_id: streamId,
      version: index + 1,
      event_id: event.id,
      type: event.type,
      schema_version: event.schemaVersion,
      data: event.data,
      occurred_at: event.occurredAt,
      correlation_id: correlationId,
      causation_id: causationId,
      actor,
      command_id: commandId,
    })),
  );
  const shard = Number.parseInt(streamId.slice(-1), 16);
  await manager.insert(
    Outbox,
    identifiers.map(({ position }) => ({ shard, position: String(position), stream_id: streamId })),
  );
}
