const HEARTBEAT_MS = 10_000;

/** `1.3 s`, from milliseconds. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/**
 * What a person sees while the stack comes up: one line for each phase when it is done, with its time and a remark, and a sign of
 * life while one takes long. Lines are only appended, so that a terminal, a file and a pipe all read well.
 */
export class Progress {
  constructor(private readonly write: (line: string) => void) {}

  say(line = ''): void {
    this.write(line);
  }

  /** Something that happened by itself, with the time of day. */
  report(line: string): void {
    this.write(`  ${new Date().toTimeString().slice(0, 8)}  ${line}`);
  }

  async phase<T>(name: string, work: () => Promise<T>, remark: (result: T) => string = () => ''): Promise<T> {
    const startedAt = performance.now();
    const heartbeat = setInterval(
      () => this.write(`  … ${name}: still at it after ${seconds(performance.now() - startedAt)}`),
      HEARTBEAT_MS,
    );
    try {
      const result = await work();
      this.write(`  ✓ ${name.padEnd(16)}${seconds(performance.now() - startedAt).padStart(8)}   ${remark(result)}`.trimEnd());
      return result;
    } finally {
      clearInterval(heartbeat);
    }
  }
}
