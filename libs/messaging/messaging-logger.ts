import type { Logger } from 'pino';

/** As much of a logger as this room uses. Lines carry a stable `event` name and never a payload. */
export type MessagingLogger = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));
