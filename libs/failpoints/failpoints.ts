import { FAILPOINTS, type FailpointName } from './failpoint-names.js';
import { parseFailpoints, type FailpointSpec } from './failpoint-spec.js';

/** What an armed `throw` throws: to the code around it, a neighbour's connection broke. */
export class FailpointError extends Error {
  readonly code = 'ECONNRESET';

  constructor(readonly failpoint: FailpointName) {
    super(`failpoint ${failpoint}`);
    this.name = 'FailpointError';
  }
}

export interface FailpointState {
  readonly name: FailpointName;
  readonly where: string;
  /** How often it was reached while any place was armed. */
  readonly hits: number;
  /** How often it acted. */
  readonly fired: number;
  /** Stalls under way now; one goes on when the place is disarmed. */
  readonly stalling: number;
  /** Hits since it was armed, and what it is armed with; null when it does nothing. */
  readonly armed: { readonly action: string; readonly nth: number; readonly times: number; readonly hits: number } | null;
}

interface Counter {
  hits: number;
  fired: number;
  stalling: number;
}

/**
 * Places in the code where a fault can be injected on purpose: `if (failpoints.armed) await failpoints.reach('relay.sent');`
 *
 * - While nothing is armed a site costs one read of a plain field, and the code goes the way it goes in production.
 * - `exit` ends the process at once, without any handler, as kill -9 does; `throw` throws {@link FailpointError}; `stall` waits.
 * - A site fires at the nth hit after it was armed, and at `times` hits from there on; then it is disarmed.
 */
export class Failpoints {
  /** Whether sites are to report: something may still fire. Read by every site before anything else. */
  armed = false;
  private readonly plan = new Map<FailpointName, { readonly spec: FailpointSpec; hits: number }>();
  private readonly counters = new Map<FailpointName, Counter>();

  constructor(private readonly die: () => never = killSelf) {}

  /**
   * Replaces what was armed. `on` or an empty text arms nothing.
   * @throws FailpointSpecError, and leaves everything as it was
   */
  arm(text: string): void {
    const specs = parseFailpoints(text);
    this.plan.clear();
    for (const spec of specs) this.plan.set(spec.name, { spec, hits: 0 });
    this.armed = this.plan.size > 0;
  }

  /** Nothing fires any more. */
  disarm(): void {
    this.plan.clear();
    this.armed = false;
  }

  /** @throws FailpointError when it is armed with `throw` and its hit has come */
  async reach(name: FailpointName): Promise<void> {
    const stallMs = this.hit(name);
    if (stallMs === 0) return;
    const counter = this.counterOf(name);
    counter.stalling++;
    await new Promise((resolve) => setTimeout(resolve, stallMs));
    counter.stalling--;
  }

  /** Whether this place is armed: for a site that has to prepare the moment it stands for. */
  plans(name: FailpointName): boolean {
    return this.plan.has(name);
  }

  states(): FailpointState[] {
    return (Object.keys(FAILPOINTS) as FailpointName[]).map((name) => {
      const entry = this.plan.get(name);
      return {
        name,
        where: FAILPOINTS[name],
        ...this.counterOf(name),
        armed: entry === undefined ? null : describe(entry.spec, entry.hits),
      };
    });
  }

  /** Milliseconds to stall; 0: go on. */
  private hit(name: FailpointName): number {
    const counter = this.counterOf(name);
    counter.hits++;
    const entry = this.plan.get(name);
    if (entry === undefined || ++entry.hits < entry.spec.nth) return 0;
    if (entry.hits === entry.spec.nth + entry.spec.times - 1) {
      this.plan.delete(name);
      this.armed = this.plan.size > 0;
    }
    counter.fired++;
    const { action } = entry.spec;
    switch (action.kind) {
      case 'exit':
        return this.die();
      case 'throw':
        throw new FailpointError(name);
      case 'stall':
        return action.ms;
    }
  }

  private counterOf(name: FailpointName): Counter {
    const counter = this.counters.get(name) ?? { hits: 0, fired: 0, stalling: 0 };
    this.counters.set(name, counter);
    return counter;
  }
}

function describe({ action, nth, times }: FailpointSpec, hits: number): FailpointState['armed'] {
  return { action: action.kind === 'stall' ? `stall(${action.ms})` : action.kind, nth, times, hits };
}

function killSelf(): never {
  process.kill(process.pid, 'SIGKILL');
  // the signal is on its way: nothing may run any more
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

/** The failpoints of this process. */
export const failpoints = new Failpoints();
