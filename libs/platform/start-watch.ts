import type { Logger } from 'pino';
import type { HealthCheck } from './health.js';

export interface StartWatchOptions {
  readonly checks: readonly HealthCheck[];
  readonly logger: Pick<Logger, 'info' | 'warn'>;
  /** Milliseconds between two looks. Default 1000. */
  readonly everyMs?: number;
  /** Milliseconds before the same thing is told again. Default 30 000. */
  readonly tellAgainMs?: number;
}

/** Milliseconds a check may take. */
const CHECK_TIMEOUT_MS = 2_000;

/**
 * Tells what a starting process waits for, whoever asks or does not ask for its health: one line (`app.waiting`) when something it needs
 * is not there, another when that changes or lasts, and `app.ready` when all is there. Then it looks no more.
 */
export class StartWatch {
  private readonly startedAt = performance.now();
  private timer: NodeJS.Timeout | undefined;
  private told: { readonly what: string; readonly at: number } | undefined;
  private looks = 0;
  private ended = false;

  constructor(private readonly options: StartWatchOptions) {}

  start(): void {
    void this.look();
  }

  close(): void {
    this.ended = true;
    clearTimeout(this.timer);
  }

  private async look(): Promise<void> {
    const missing = (await Promise.all(this.options.checks.map(failureOf))).filter((each) => each !== undefined);
    if (this.ended) return;
    this.looks += 1;
    const afterMs = Math.round(performance.now() - this.startedAt);
    if (missing.length === 0) {
      this.options.logger.info({ event: 'app.ready', afterMs });
      return;
    }
    // Joining a group or opening a first connection takes a moment: that is no waiting.
    if (this.looks > 1) this.tell(missing, afterMs);
    this.timer = setTimeout(() => void this.look(), this.options.everyMs ?? 1_000);
    this.timer.unref();
  }

  private tell(missing: readonly Missing[], afterMs: number): void {
    const what = missing.map(({ name }) => name).join(',');
    const again = this.told?.what === what && performance.now() - this.told.at < (this.options.tellAgainMs ?? 30_000);
    if (again) return;
    this.told = { what, at: performance.now() };
    this.options.logger.warn({ event: 'app.waiting', for: missing, afterMs });
  }
}

interface Missing {
  readonly name: string;
  readonly reason: string;
}

async function failureOf({ name, check }: HealthCheck): Promise<Missing | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
    timer.unref();
  });
  try {
    await Promise.race([Promise.resolve().then(check), late]);
    return undefined;
  } catch (error) {
    return { name, reason: error instanceof Error ? error.message || error.name : String(error) };
  } finally {
    clearTimeout(timer);
  }
}
