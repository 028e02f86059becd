import type { EventMessage, HeaderValue, IncomingMessage, OutgoingMessage } from '../event-message.js';
import type { MessagingLogger } from '../messaging-logger.js';

/** Deterministic UUID for specs. */
export const uuid = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;

export function sampleEvent(streamId: string, version: number, changes: Partial<EventMessage> = {}): EventMessage {
  return {
    id: uuid([...streamId].reduce((hash, char) => (hash * 31 + char.charCodeAt(0)) % 2 ** 28, 7) * 65_536 + version),
    type: 'OrderConfirmed',
    schemaVersion: 1,
    streamId,
    version,
    data: { orderId: streamId },
    occurredAt: '2010-12-01T08:26:00Z',
    recordedAt: '2026-11-21T10:00:00.123Z',
    correlationId: uuid(1),
    causationId: uuid(2),
    actor: 'ann',
    commandId: null,
    traceparent: null,
    ...changes,
  };
}

/** What a consumer would get of it. */
export function received({ topic, key, value, headers }: OutgoingMessage, partition = 0, offset = 0): IncomingMessage {
  const bytes = (header: HeaderValue): HeaderValue => (typeof header === 'string' ? Buffer.from(header) : header);
  return {
    topic,
    partition,
    offset: String(offset),
    key: key === null ? null : Buffer.from(key as string),
    value,
    headers: Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, bytes(header)])),
  };
}

export interface LogLine {
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

/** A logger that keeps its lines for assertions. */
export function recordingLogger(): MessagingLogger & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: string) => (line: object) => void lines.push({ level, ...line } as LogLine);
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { ...logger, lines } as unknown as MessagingLogger & { readonly lines: LogLine[] };
}
