import type { LoggerService } from '@nestjs/common';
import { destination as openDestination, pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';

export type { Logger } from 'pino';

export interface LoggerOptions {
  /** Name of the process, on every line. */
  readonly app: string;
  readonly level: string;
  /** Where lines go; standard output by default. */
  readonly destination?: DestinationStream;
}

/**
 * One JSON object a line: `time` (ISO 8601 UTC), `level` (name), `app`, `pid`, `event` (stable name), then the event's own fields;
 * an error goes under `err`. Lines are written synchronously, so the last line before a crash is not lost.
 * Never log a payload: ids, counts, durations and outcomes only.
 */
export function createLogger({ app, level, destination }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { app, pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination ?? openDestination({ fd: 1, sync: true }),
  );
}

/** Nest's own messages in our format. Its start-up chatter is of no use to operators and goes to debug. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }
  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }
  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  private write(level: 'trace' | 'debug' | 'warn' | 'error' | 'fatal', message: unknown, rest: unknown[]): void {
    // Nest passes the context last and, for errors, a stack before it.
    const context = rest.at(-1);
    this.logger[level]({
      event: 'nest.message',
      context: typeof context === 'string' ? context : undefined,
      ...(message instanceof Error ? { err: message } : { msg: typeof message === 'string' ? message : JSON.stringify(message) }),
      ...(rest.length > 1 && typeof rest[0] === 'string' ? { stack: rest[0] } : {}),
    });
  }
}
