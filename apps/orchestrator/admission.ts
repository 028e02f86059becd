interface AdmissionOptions {
  /** Actions that are to be in memory at most. */
  readonly maxActions: number;
  /** Actions that are in memory now, those whose outcome is being recorded included. */
  readonly actions: () => number;
  /** Milliseconds to wait for one place; the consumer, then, is not kept from leaving its group or joining it again. Default 5000. */
  readonly patienceMs?: number;
}

/** Part of the places kept free for overdue work, so that a stream of new orders cannot keep old ones out. */
const RESERVE = 0.1;

/**
 * Holds back what would lead to more actions than the gateway takes: new orders wait in Kafka, overdue actions in their rows, and memory,
 * timers and renewals of leases stay bounded however long the gateway is away. What is taken is always carried on.
 */
export class Admission {
  private entered = 0;
  private closed = false;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly options: AdmissionOptions) {}

  /** Places free for overdue actions. */
  get room(): number {
    return Math.max(0, this.options.maxActions - this.options.actions() - this.entered);
  }

  /** Resolves when there is room for one more order, which then keeps its place until {@link leave}; rejects when there is none in time. */
  async enter(): Promise<void> {
    const until = performance.now() + (this.options.patienceMs ?? 5_000);
    while (!this.closed && this.roomForOrders <= 0) {
      const called = await this.called(until - performance.now());
      if (!called) throw new Error(`the payment gateway does not keep up: ${this.options.actions()} actions wait for it`);
    }
    if (this.closed) throw new Error('the orchestrator is shutting down');
    this.entered += 1;
  }

  /** Takes so many places, or as many as there are, for whoever cannot wait; answers how many. Each is given back with {@link leave}. */
  take(places: number): number {
    const taken = Math.min(places, this.room);
    this.entered += taken;
    return taken;
  }

  /** What had the places is decided: what it led to now counts as an action, if it led to one. */
  leave(places = 1): void {
    this.entered -= places;
    this.look();
  }

  /** There may be room again. Who was called and finds none after all waits on. */
  look(): void {
    for (const call of this.waiting.splice(0, Math.max(0, this.roomForOrders))) call();
  }

  /** Lets nobody in any more, and turns away who waits. */
  close(): void {
    this.closed = true;
    for (const call of this.waiting.splice(0)) call();
  }

  private get roomForOrders(): number {
    return this.room - Math.floor(this.options.maxActions * RESERVE);
  }

  /** False when nobody called for so long. */
  private called(ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const call = (): void => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        this.waiting.splice(this.waiting.indexOf(call), 1);
        resolve(false);
      }, ms);
      this.waiting.push(call);
    });
  }
}
