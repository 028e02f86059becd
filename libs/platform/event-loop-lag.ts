const SAMPLE_MS = 500;
const SAMPLES = 10;
/** A server whose timers fire this late answers nobody in time. Milliseconds. */
const OVERLOADED_MS = 1_000;

/**
 * How late the event loop runs: the worst of the last five seconds. One timer every half second, where perf_hooks' histogram wakes up
 * a hundred times a second and would be the largest consumer of an idle process.
 */
export class EventLoopLag {
  private readonly samples: number[] = [];
  private readonly timer: NodeJS.Timeout;
  private expectedAt = performance.now() + SAMPLE_MS;

  constructor() {
    this.timer = setInterval(() => this.sample(performance.now()), SAMPLE_MS);
    this.timer.unref();
  }

  /** Milliseconds. */
  get worst(): number {
    return Math.max(0, ...this.samples);
  }

  /** Throws when overloaded. */
  assert(): { lagMs: number } {
    const lagMs = Math.round(this.worst);
    if (lagMs > OVERLOADED_MS) throw new Error(`the event loop ran ${lagMs} ms late`);
    return { lagMs };
  }

  close(): void {
    clearInterval(this.timer);
  }

  private sample(now: number): void {
    this.samples.push(Math.max(0, now - this.expectedAt));
    if (this.samples.length > SAMPLES) this.samples.shift();
    this.expectedAt = now + SAMPLE_MS;
  }
}
