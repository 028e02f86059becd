export interface ProgressOutput {
  write(text: string): void;
  /** true on a terminal: one line that updates itself. */
  readonly isTTY?: boolean;
}

const ON_A_TERMINAL_MS = 200;
const IN_A_LOG_MS = 5_000;

/**
 * How far a count has come, how fast, and how long it will take. On a terminal one line that updates itself; anywhere else
 * a line every five seconds.
 */
export class Progress {
  private done = 0;
  private detail = '';
  private shownAt = 0;
  private startedAt: number;

  constructor(
    private readonly what: string,
    private readonly total: number,
    private readonly output: ProgressOutput = process.stderr,
    private readonly now: () => number = Date.now,
  ) {
    this.startedAt = this.now();
    this.shownAt = this.startedAt;
  }

  /** Counts the time from now on. */
  restart(): void {
    this.startedAt = this.shownAt = this.now();
  }

  advance(by = 1): void {
    this.to(this.done + by);
  }

  to(done: number, detail = ''): void {
    this.done = done;
    this.detail = detail;
    if (this.now() - this.shownAt >= (this.output.isTTY ? ON_A_TERMINAL_MS : IN_A_LOG_MS)) this.show();
  }

  /** Answers the seconds it took. */
  end(): number {
    this.show();
    if (this.output.isTTY) this.output.write('\n');
    return this.seconds();
  }

  line(): string {
    const seconds = this.seconds();
    const rate = seconds > 0 ? this.done / seconds : 0;
    const left = this.done < this.total && rate > 0 ? `, ${duration((this.total - this.done) / rate)} left` : '';
    return `${this.what}: ${this.done} of ${this.total}, ${rate.toFixed(rate < 10 ? 1 : 0)}/s, ${duration(seconds)}${left}${this.detail && `, ${this.detail}`}`;
  }

  private seconds(): number {
    return (this.now() - this.startedAt) / 1000;
  }

  private show(): void {
    this.shownAt = this.now();
    this.output.write(this.output.isTTY ? `\r\x1b[2K${this.line()}` : `${this.line()}\n`);
  }
}

function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(0)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
