import type { EventReader, StoredCommand, StoredEvent } from '#event-store/read';
import type { AuditedCommand, AuditedEvent } from './audit.answers.js';
import { masked } from './masking.js';

/** The answer's body is not shown: it repeats what the events say. */
export const auditedCommand = ({ id, name, actor, idempotencyKey, correlationId, receivedAt, answer }: StoredCommand): AuditedCommand => ({
  id,
  name,
  actor,
  idempotencyKey,
  correlationId,
  receivedAt,
  status: answer.status,
});

/** Events with the commands behind them, looked up once for all of them. */
export async function auditedEvents(reader: EventReader, events: readonly StoredEvent[]): Promise<AuditedEvent[]> {
  const commands = await reader.findCommands(commandIdsOf(events));
  return events.map((event) => {
    const command = event.commandId === null ? undefined : commands.get(event.commandId);
    const { streamId, version, position, id, type, schemaVersion, occurredAt, recordedAt, actor, correlationId, causationId, traceparent } =
      event;
    return {
      streamId,
      version,
      position,
      id,
      type,
      schemaVersion,
      occurredAt,
      recordedAt,
      actor,
      correlationId,
      causationId,
      causedBy: causationId === event.commandId ? 'command' : 'event',
      command: command === undefined ? null : auditedCommand(command),
      traceparent,
      data: masked(event.data) as AuditedEvent['data'],
    };
  });
}

export const commandIdsOf = (events: readonly Pick<StoredEvent, 'commandId'>[]): string[] => [
  ...new Set(events.map(({ commandId }) => commandId).filter((id) => id !== null)),
];
