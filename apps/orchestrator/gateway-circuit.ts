import { ConsecutiveBreaker, circuitBreaker, ExponentialBackoff, handleAll, type CircuitBreakerPolicy } from 'cockatiel';

export type CircuitState = 'open' | 'closed';

/** Failures in a row that open the circuit. */
const FAILURES = 10;
/** Milliseconds before a trial call is let through, doubled after each that fails. */
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/**
 * The circuit breaker before the payment gateway. cockatiel measures its pauses by the wall clock: if that goes back by three hours while
 * the circuit is open, it would stay open for three hours. So one that has been open longer than its longest pause, by a clock that does
 * not jump, gives way to a new one.
 */
export class GatewayCircuit {
  private policy: CircuitBreakerPolicy;
  /** performance.now() */
  private openedAt: number | undefined;

  constructor(private readonly onChange: (state: CircuitState) => void = () => undefined) {
    this.policy = this.closed();
  }

  /** Throws cockatiel's BrokenCircuitError without calling `work` while the circuit is open. */
  execute<T>(work: () => Promise<T>): Promise<T> {
    if (this.openedAt !== undefined && performance.now() - this.openedAt > LONGEST_PAUSE_MS + FIRST_PAUSE_MS) {
      this.policy = this.closed();
      this.changed('closed');
    }
    return this.policy.execute(work);
  }

  private closed(): CircuitBreakerPolicy {
    const policy = circuitBreaker(handleAll, {
      halfOpenAfter: new ExponentialBackoff({ initialDelay: FIRST_PAUSE_MS, maxDelay: LONGEST_PAUSE_MS }),
      breaker: new ConsecutiveBreaker(FAILURES),
    });
    // One that was replaced has nothing to say any more.
    policy.onBreak(() => policy === this.policy && this.changed('open'));
    policy.onReset(() => policy === this.policy && this.changed('closed'));
    return policy;
  }

  private changed(state: CircuitState): void {
    this.openedAt = state === 'open' ? performance.now() : undefined;
    this.onChange(state);
  }
}
