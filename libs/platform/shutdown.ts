import type { Logger } from 'pino';

export interface ShutdownStep {
  readonly name: string;
  run(): Promise<unknown> | unknown;
}

export interface ShutdownOptions {
  readonly logger: Logger;
  /** All steps together, milliseconds; then the process ends with code 1. Default 10 000. */
  readonly deadlineMs?: number;
  /** Ends the process; replaced in tests. */
  readonly exit?: (code: number) => void;
}

/**
 * Runs its steps once, one after the other in the given order, however often it is asked.
 * - A step that fails is logged (`shutdown.step.failed`) and does not keep the later ones from running; the exit code becomes 1.
 * - When the deadline passes the process ends with 1, so that a hanging step cannot keep it alive.
 * - A second signal changes nothing: Ctrl-C reaches a child both from the terminal and from its supervisor.
 */
export class Shutdown {
  private running: Promise<boolean> | undefined;
  private readonly steps: ShutdownStep[] = [];
  private readonly exit: (code: number) => void;

  constructor(private readonly options: ShutdownOptions) {
    this.exit = options.exit ?? ((code) => process.exit(code));
  }

  /** Appends steps; they run after those added before. */
  add(...steps: readonly ShutdownStep[]): void {
    this.steps.push(...steps);
  }

  get started(): boolean {
    return this.running !== undefined;
  }

  /** Answers whether every step went well. Does not end the process. */
  run(reason: string): Promise<boolean> {
    this.running ??= this.runSteps(reason);
    return this.running;
  }

  /** Runs the steps under the deadline, then ends the process: 0, or 1 when something failed. */
  async runAndExit(reason: string, code = 0): Promise<void> {
    if (this.started) return;
    const timer = setTimeout(() => {
      this.options.logger.fatal({ event: 'shutdown.deadline.passed', deadlineMs: this.deadlineMs });
      this.exit(1);
    }, this.deadlineMs);
    const clean = await this.run(reason);
    clearTimeout(timer);
    this.exit(clean ? code : 1);
  }

  /** SIGTERM and SIGINT end the process in order; an error nobody caught is logged and ends it with 1. */
  listen(): void {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void this.runAndExit(signal));
    process.on('uncaughtException', (err) => this.fail(err));
    process.on('unhandledRejection', (reason) => this.fail(reason));
  }

  /** The process cannot go on: log why, end in order, exit code 1. */
  fail(error: unknown): void {
    this.options.logger.fatal({ event: 'process.failed', err: error });
    void this.runAndExit('failure', 1);
  }

  private get deadlineMs(): number {
    return this.options.deadlineMs ?? 10_000;
  }

  private async runSteps(reason: string): Promise<boolean> {
    const { logger } = this.options;
    const startedAt = performance.now();
    logger.info({ event: 'shutdown.started', reason });
    let clean = true;
    for (const step of this.steps) {
      try {
        await step.run();
      } catch (err) {
        clean = false;
        logger.error({ event: 'shutdown.step.failed', step: step.name, err });
      }
    }
    logger.info({ event: 'shutdown.finished', clean, durationMs: Math.round(performance.now() - startedAt) });
    return clean;
  }
}
