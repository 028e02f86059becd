import { z } from 'zod';
import { STREAM_CATEGORIES } from '#domain';
import { MAX_CORRELATION_EVENTS } from './correlation-events.js';

const instant = z.iso.datetime();
const uuid = z.string().meta({ format: 'uuid' });

export const AuditedCommand = z.object({
  id: uuid,
  name: z.string().describe('What was asked, like PlaceOrder.'),
  actor: z.string(),
  idempotencyKey: z.string(),
  correlationId: uuid,
  receivedAt: instant,
  status: z.int().describe('HTTP status it was answered with.'),
});
export type AuditedCommand = z.infer<typeof AuditedCommand>;

export const AuditedEvent = z.object({
  streamId: z.string(),
  version: z.int(),
  position: z.int().describe('Place in the whole store.'),
  id: uuid,
  type: z.string(),
  schemaVersion: z.int(),
  occurredAt: instant.describe('Business time.'),
  recordedAt: instant.describe('Server time of the append.'),
  actor: z.string(),
  correlationId: uuid,
  causationId: uuid.describe('Id of the command or event that directly caused it.'),
  causedBy: z.enum(['command', 'event']),
  command: AuditedCommand.nullable().describe('The command behind it; null when an event caused it.'),
  traceparent: z.string().nullable(),
  data: z.record(z.string(), z.unknown()).describe('Lifted to the newest schema version; payment tokens are masked.'),
});
export type AuditedEvent = z.infer<typeof AuditedEvent>;

export const StreamHistory = z.object({
  streamId: z.string(),
  head: z.int().describe('Newest version of the stream.'),
  events: z.array(AuditedEvent),
  nextFromVersion: z.int().nullable().describe('`fromVersion` of the next page; null on the last one.'),
});
export type StreamHistory = z.infer<typeof StreamHistory>;

const State = z.unknown().describe('What the deciders see, folded from the events; payment tokens are masked.');

export const StateAnswer = z.object({
  streamId: z.string(),
  category: z.enum(STREAM_CATEGORIES),
  version: z.int().describe('0: before its first event.'),
  head: z.int(),
  occurredAt: instant.nullable().describe('Business time of the last event folded.'),
  recordedAt: instant.nullable(),
  snapshotVersion: z.int().nullable().describe('Version of the snapshot it was continued from; null: from the events alone.'),
  state: State,
});
export type StateAnswer = z.infer<typeof StateAnswer>;

export const DiffAnswer = z.object({
  streamId: z.string(),
  from: z.int(),
  to: z.int(),
  changes: z.array(
    z.object({
      path: z.string().describe('JSON pointer; items of lists that have an identity (lineNo, orderId, sku) are named by it.'),
      kind: z.enum(['added', 'removed', 'changed']),
      before: z.unknown().optional(),
      after: z.unknown().optional(),
    }),
  ),
});
export type DiffAnswer = z.infer<typeof DiffAnswer>;

const caused = z.array(z.unknown()).describe('What it caused: nodes of the same kinds.');
const causedBy = uuid.nullable();
const CausationNode = z.discriminatedUnion('kind', [
  AuditedCommand.omit({ correlationId: true }).extend({ kind: z.literal('command'), causedBy, caused }),
  AuditedEvent.pick({ id: true, type: true, streamId: true, version: true, actor: true, occurredAt: true, recordedAt: true }).extend({
    kind: z.literal('event'),
    causedBy,
    caused,
  }),
]);

export const CorrelationAnswer = z.object({
  correlationId: uuid,
  events: z.int().describe('Events shown.'),
  complete: z.boolean().describe(`False when there are more than the first ${MAX_CORRELATION_EVENTS} events, which alone are shown.`),
  streams: z.array(z.object({ streamId: z.string(), events: z.int() })),
  tree: z.array(CausationNode).describe('First commands, each with all that followed from it.'),
});
export type CorrelationAnswer = z.infer<typeof CorrelationAnswer>;

export const CommandAnswer = z.object({
  command: AuditedCommand,
  appended: z.array(z.object({ streamId: z.string(), version: z.int(), type: z.string() })).describe('Its own events.'),
  followed: z.int().describe('Events that followed from it in any number of steps, its own included.'),
  complete: z
    .boolean()
    .describe(`False when its correlation has more than the first ${MAX_CORRELATION_EVENTS} events, which alone are looked at.`),
  tree: z.array(CausationNode),
});
export type CommandAnswer = z.infer<typeof CommandAnswer>;
