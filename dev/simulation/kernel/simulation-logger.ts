import type { Logger } from '#platform';
import type { Kernel } from './kernel.js';

/** What processes log becomes part of the trace: the event's name, and for failures the error's. */
export function simulationLogger(kernel: Kernel): Logger {
  const at =
    (level: string) =>
    (line: { event?: string; err?: { message?: string; code?: string }; detail?: string; reason?: string }): void => {
      const about = line.err === undefined ? (line.detail ?? line.reason ?? '') : `${line.err.code ?? ''} ${line.err.message ?? ''}`;
      kernel.note(kernel.current, `log ${level} ${line.event ?? ''} ${about}`.trimEnd());
    };
  const logger = {
    trace: () => undefined,
    debug: () => undefined,
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    fatal: at('fatal'),
  };
  return logger as unknown as Logger;
}
