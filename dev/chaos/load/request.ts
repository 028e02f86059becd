import { createHash } from 'node:crypto';
import type { Intent } from '../history/history-record.js';

/** A command as it goes over the wire: the same bytes every time it is sent. */
export interface CommandRequest {
  readonly intent: Exclude<Intent, `read-${string}`>;
  readonly key: string;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly fingerprint: string;
}

export function commandRequest(intent: CommandRequest['intent'], key: string, path: string, body: CommandRequest['body']): CommandRequest {
  const fingerprint = createHash('sha256')
    .update(`${path}\n${JSON.stringify(body)}`)
    .digest('base64url')
    .slice(0, 16);
  return { intent, key, path, body, fingerprint };
}
